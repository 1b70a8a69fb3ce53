"""A ticket's clocks: why something is due when it is."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response

from app.core import hx
from app.core.access import requires
from app.core.pipeline import current_scope
from app.tickets.pages import clocks as pages
from app.tickets.queries import get_ticket
from app.tickets.rules.lifecycle import title_of

blueprint = Blueprint("clocks", __name__, url_prefix="/tickets")


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
