"""The conversation of a ticket for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, url_for

from app.core.access import requires
from app.core.openapi import KEY, PROBLEM, Answer, Header, Query, documented, obj, once, read_body, read_query, text
from app.core.openapi.bodies import json_value
from app.core.pipeline import current_scope
from app.core.records.api.resource import PER_MINUTE
from app.core.scope import Scope
from app.extensions import limiter
from app.tickets import queries
from app.tickets.actions import conversation
from app.tickets.actions.conversation import Received
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.rules import lifecycle
from app.tickets.rules.conversation import BODY_MAX, CC_MAX

blueprint = Blueprint("messages_api", __name__, url_prefix="/api/tickets/<uuid:ticket_id>/messages")
_TAG = "Tickets"
_MOST = 100
_UUID = {"type": "string", "format": "uuid"}
_WHEN = {"type": "string", "format": "date-time"}
_FILE = obj(
    {"id": _UUID, "name": text(300), "type": text(200), "size": {"type": "integer", "minimum": 0}},
    required=("id", "name", "type", "size"),
)
_MESSAGE = obj(
    {
        "id": _UUID,
        "kind": {"enum": list(m.KINDS)},
        "author_id": {"type": ["string", "null"], "format": "uuid"},
        "author_name": text(300),
        "author_email": {"type": ["string", "null"]},
        "body": {"type": "string", "description": "Markdown of an agent, plain text of a customer."},
        "quoted_text": {"type": ["string", "null"]},
        "channel": {"type": "string"},
        "copies": {"type": "array", "items": {"type": "string"}},
        "state": {"enum": list(m.STATES)},
        "state_reason": {"type": ["string", "null"]},
        "automatic": {"type": "boolean"},
        "created_at": _WHEN,
        "files": {"type": "array", "items": _FILE},
    },
    required=("id", "kind", "author_name", "body", "state", "created_at", "files"),
    title="TicketMessage",
    description="One message of a ticket's conversation.",
)
_PAGE = obj(
    {
        "items": {"type": "array", "items": _MESSAGE, "maxItems": _MOST},
        "next": {"type": ["string", "null"], "description": "Send it as `before`; null at the end."},
    },
    required=("items", "next"),
    title="TicketMessagePage",
    description="Messages, newest first.",
)
_NEW = obj(
    {
        "kind": {"enum": ["reply", "note", "customer"], "description": "A customer's words may open the ticket again."},
        "body": text(BODY_MAX, least=1, examples=["We look into it."]),
        "cc": {"type": "array", "items": text(254), "maxItems": CC_MAX, "description": "Of a reply: who gets copies."},
        "status": {
            "enum": [value for value, _, _ in lifecycle.STATUSES],
            "description": "Of a reply: what the ticket becomes.",
        },
        "author_name": text(120, description="Of a customer's message."),
        "author_email": text(254, description="Of a customer's message.", format="email"),
    },
    required=("kind", "body"),
    title="NewTicketMessage",
    description="Something to be said.",
)


@blueprint.get("")
@requires("ticket:read")
@documented(
    "List a ticket's messages",
    tag=_TAG,
    query=(
        Query("before", "The `next` of the page before.", _UUID),
        Query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": _MOST, "default": 50}),
    ),
    answers={200: Answer("One page, newest first.", _PAGE)},
)
@limiter.limit(f"{PER_MINUTE} per minute", key_func=lambda: _asker())
def list_(ticket_id: UUID) -> Response:
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id)
    asked = read_query()
    before, limit = asked.get("before", [None])[0], int(asked.get("limit", ["50"])[0])
    rows = reading.list_messages(scope, ticket.id, before=UUID(before) if before else None, limit=limit + 1)
    shown = rows[:limit]
    files = reading.list_files(scope, [row.id for row in shown])
    items = [_as_json(row, files.get(row.id, [])) for row in shown]
    return jsonify(items=items, next=str(shown[-1].id) if len(rows) > limit else None)


@blueprint.post("")
@requires("ticket:update")
@documented(
    "Say something on a ticket",
    tag=_TAG,
    body=_NEW,
    headers=(KEY,),
    answers={
        201: Answer("It was said.", _MESSAGE, headers=(Header("Location", "The address of the conversation."),)),
        409: Answer("A request with this Idempotency-Key is still running.", PROBLEM),
    },
    text="A reply of a program leaves at once, it is not held to be taken back.",
)
@limiter.limit(f"{PER_MINUTE} per minute", key_func=lambda: _asker())
@once
def create(ticket_id: UUID) -> Response:
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    message = _said(scope, ticket, read_body())
    response = jsonify(_as_json(message, []))
    response.status_code = 201
    response.headers["Location"] = url_for(".list_", ticket_id=message.ticket_id)
    return response


def _said(scope: Scope, ticket: Ticket, body: dict[str, Any]) -> TicketMessage:
    if body["kind"] == "note":
        return conversation.add_note(scope, ticket.id, body["body"], ends_draft=False)
    if body["kind"] == "reply":
        return conversation.reply(
            scope,
            ticket.id,
            body["body"],
            cc=body.get("cc", ()),
            status=body.get("status"),
            hold=False,
            ends_draft=False,
        )
    name = body.get("author_name") or ticket.requester_name or "Requester"
    email = body.get("author_email") or ticket.requester_email
    new = Received(body=body["body"], author_name=name, author_email=email, channel="api")
    return conversation.receive(scope, ticket, new)


def _as_json(row: TicketMessage, files: list[TicketFile]) -> dict[str, Any]:
    names = ("id", "kind", "author_id", "author_name", "author_email", "body", "quoted_text", "channel")
    told = {name: json_value(getattr(row, name)) for name in names}
    for name in ("state", "state_reason", "automatic", "created_at"):
        told[name] = json_value(getattr(row, name))
    told["copies"] = list(row.recipients.get("cc") or ())
    told["files"] = [{"id": str(one.id), "name": one.name, "type": one.type, "size": one.size} for one in files]
    return told


def _asker() -> str:
    scope = current_scope()
    return f"{scope.tenant_id}:{scope.user_id}"
