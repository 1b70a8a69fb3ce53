"""What was suggested for a ticket: kept or taken back with one click."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Invalid
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.tickets.actions import classifying

blueprint = Blueprint("classification", __name__, url_prefix="/tickets")


@blueprint.post("/<uuid:ticket_id>/classification/accept")
@requires("ticket:update")
def accept(ticket_id: UUID) -> Response:
    """It is right; it is written into the ticket unless it is there."""
    return _decide(classifying.accept, ticket_id, "Thank you, the classifier learns from that.")


@blueprint.post("/<uuid:ticket_id>/classification/undo")
@requires("ticket:update")
def undo(ticket_id: UUID) -> Response:
    """It is wrong: as if nobody had chosen."""
    return _decide(classifying.undo, ticket_id, "Taken back; the classifier learns from that.")


def _decide(action: Callable[[Scope, UUID, str], None], ticket_id: UUID, done: str) -> Response:
    try:
        action(current_scope(), ticket_id, request.form.get("field", ""))
    except Invalid as refused:
        hx.flash(refused.message, "info")
    else:
        hx.flash(done)
    return hx.redirect(url_for("tickets.show", record_id=ticket_id))
