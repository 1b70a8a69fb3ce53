"""What replying, leaving and receiving share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.core.access import EVERYTHING
from app.core.clock import new_id
from app.core.records import actions as records
from app.core.records.text import words
from app.core.scope import Scope
from app.extensions import db
from app.tickets.definition import TICKETS
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.rules import conversation as rules
from app.tickets.rules import lifecycle

_QUOTE = 200


def remember_words(ticket: Ticket, *texts: str) -> None:
    """What was said is found by the search of tickets."""
    found = [word for text in texts for word in words(text[: rules.BODY_MAX])]
    ticket.conversation_text = rules.new_words(ticket.conversation_text or "", found)


def gather_words(scope: Scope, ticket: Ticket) -> None:
    """Finds the words anew, after messages came or went otherwise than by being said."""
    ticket.conversation_text = ""
    remember_words(ticket, *reading.list_bodies(scope, ticket.id))


def forget_words(scope: Scope, message_ids: Sequence[UUID]) -> None:
    """Something was erased from these messages: their tickets are not found by it any more."""
    for ticket_id in reading.list_tickets_of(scope, message_ids):
        ticket = db.session.get(Ticket, (scope.tenant_id, ticket_id), with_for_update=True)
        if ticket is not None:
            gather_words(scope, ticket)
    db.session.flush()


def move(scope: Scope, ticket: Ticket, to: str) -> None:
    records.move_record(anyone(scope), TICKETS, ticket.id, ticket.version, to)


def can_move(ticket: Ticket, to: str) -> bool:
    if ticket.merged_into_id is not None and to in lifecycle.WORKING:
        return False
    return ticket.status == to or to in lifecycle.MOVES.get(ticket.status, ())


def anyone(scope: Scope) -> Scope:
    """The same person, for what follows from their message whatever their role: they need not be allowed to do it."""
    assign = TICKETS.permission("assign")
    return replace(scope, permissions=scope.permissions | {assign}, reach={}, reach_elsewhere=EVERYTHING)


def new_row(scope: Scope, ticket: Ticket, kind: str, body: str) -> TicketMessage:
    return TicketMessage(
        tenant_id=scope.tenant_id,
        id=new_id(),
        ticket_id=ticket.id,
        kind=kind,
        body=body,
        recipients={},
        state=m.SENT,
        automatic=False,
        created_at=scope.now,
        updated_at=scope.now,
        version=1,
    )


def touch(scope: Scope, message: TicketMessage) -> None:
    message.version += 1
    message.updated_at = scope.now
    db.session.flush()


def title_of(ticket: Ticket) -> str:
    return f"#{ticket.number} {ticket.subject}"


def beginning(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1].rstrip() + "…"


def link_to(message: TicketMessage) -> tuple[str, dict[str, Any]]:
    return "conversation.show_message", {"ticket_id": message.ticket_id, "message_id": message.id}
