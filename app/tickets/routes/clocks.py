"""A ticket's clocks: why something is due when it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response

from app.core import hx
from app.core.access import requires
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.tickets.pages import clocks as pages
from app.tickets.queries import get_ticket
from app.tickets.rules.lifecycle import title_of

blueprint = Blueprint("clocks", __name__, url_prefix="/tickets")


def init_app(app: Flask) -> None:
    """What the timeline and the log say of clocks and of what sets them."""
    describe("ticket.sla-warned", lambda data: f"warned: {data['percent']} % of the time {_of(data)} were used")
    describe("ticket.sla-breached", lambda data: f"noticed that the time {_of(data)} was up")
    describe("ticket.sla-escalated", lambda data: f"escalated, level {data['level']}: the time {_of(data)} is long up")
    for kind, name in (("sla_policy", "service level"), ("sla_calendar", "calendar")):
        describe(f"{kind}.created", f"made the {name} {{name}}")
        describe(f"{kind}.updated", f"changed the {name} {{subject}}")
        describe(f"{kind}.archived", f"put the {name} {{name}} away")
    describe("sla_policy.reordered", "moved the service level {name} to place {after}")
    describe(
        "sla_policy.switched", lambda data: f"switched the service level {data['name']} {'on' if data['on'] else 'off'}"
    )


def _of(data: Mapping[str, Any]) -> str:
    return f"for the {str(data['clock']).replace('_', ' ')}"


@blueprint.get("/<uuid:record_id>/sla")
@requires("ticket:read")
def show(record_id: UUID) -> Response:
    scope = current_scope()
    ticket = get_ticket(scope, record_id)
    return hx.page(
        "tickets/ledger.html",
        blocks=("dialog",),
        record_id=record_id,
        ticket_title=title_of({"number": ticket.number, "subject": ticket.subject}),
        stories=pages.tell_story(scope, record_id),
    )
