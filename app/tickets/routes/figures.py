"""Service figures: what was promised, and whether it was kept."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from app.core import hx
from app.core.access import requires
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place
from app.tickets.pages import csat
from app.tickets.pages import figures as pages

blueprint = Blueprint("figures", __name__, url_prefix="/tickets/figures")


def init_app(app: Flask) -> None:
    add_place(
        app,
        Place("figures.show", "Service figures", icon="chart-bar", permission="ticket:read", primary=False, order=22),
    )


@blueprint.get("")
@requires("ticket:read")
def show() -> Response:
    scope = current_scope()
    asked = pages.read(scope, request.args)
    rated, rated_by_agent = csat.rates(scope, asked.first, asked.last)
    return hx.page(
        "tickets/figures.html",
        blocks=("figures",),
        view=pages.see(scope, asked),
        rated=rated,
        rated_by_agent=rated_by_agent,
    )
