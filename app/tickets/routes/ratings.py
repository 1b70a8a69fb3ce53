"""Where a requester says how it went: nobody signs in, the link in the mail is enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, abort, request, url_for

from app.accounts.gate import tenant_info
from app.accounts.queries import TenantInfo, system_scope
from app.core import dispatcher, hx
from app.core.access import public
from app.core.clock import now
from app.core.errors import Invalid
from app.core.events import EventRow
from app.core.sentences import describe
from app.extensions import limiter
from app.privacy import holding
from app.tickets.actions import csat as actions
from app.tickets.actions.csat import NoRating
from app.tickets.models import TicketRating
from app.tickets.pages.csat import rating_page
from app.tickets.rules.csat import ANSWERS

blueprint = Blueprint("ratings", __name__)


def init_app(app: Flask) -> None:
    dispatcher.subscribe("tickets.csat", frozenset({"ticket.moved"}), _follow)
    describe("ticket.rated", _rated)
    holding.hold_part("ticket", "ratings", holding.Part(TicketRating, TicketRating.ticket_id))


def _follow(event: EventRow) -> None:
    actions.follow_move(system_scope(event.tenant_id), event)


def _rated(data: Mapping[str, Any]) -> str:
    rating, before = (ANSWERS.get(data.get(name) or "", "").lower() for name in ("rating", "before"))
    if rating == before:
        return "added a comment to the rating"
    return f"rated it “{rating}”" + (f", no longer “{before}”" if before else "")


@blueprint.get("/ratings/links/<rating_token>")
@public("Who holds the link has the mail; looking changes nothing.")
@limiter.limit("100 per 5 minutes")
def show(rating_token: str) -> Response:
    tenant = _tenant()
    try:
        asked = actions.look_at(tenant.id, rating_token, now())
    except NoRating as none:
        return _secret(_dead_page(none))
    doubted = "confirm" in request.args
    page = rating_page(asked, tenant.name, answer=request.args.get("answer", ""), doubted=doubted)
    return _secret(hx.page("ratings/show.html", page=page, token=rating_token))


@blueprint.post("/ratings/links/<rating_token>")
@public("Who holds the link has the mail; it can do no more than rate one ticket.")
@limiter.limit("30 per 5 minutes")
def update(rating_token: str) -> Response:
    tenant, typed = _tenant(), request.form
    answer, comment = typed.get("answer") or None, typed.get("comment")
    try:
        taken = actions.rate(system_scope(tenant.id), rating_token, answer, comment, by_itself="by_itself" in typed)
    except NoRating as none:
        return _secret(_dead_page(none))
    except Invalid as wrong:
        asked = actions.look_at(tenant.id, rating_token, now())
        page = rating_page(asked, tenant.name, answer=answer or "", typed=comment, errors=wrong.errors)
        return _secret(hx.page("ratings/show.html", status=422, page=page, token=rating_token))
    if taken is None:
        return hx.redirect(url_for(".show", rating_token=rating_token, answer=answer, confirm="1"))
    return hx.redirect(url_for(".show", rating_token=rating_token))


def _tenant() -> TenantInfo:
    tenant = tenant_info()
    if tenant is None:
        abort(404)
    return tenant


def _dead_page(none: NoRating) -> Response:
    return hx.page("ratings/dead.html", status=none.status, title=none.title, sentence=none.message)


def _secret(response: Response) -> Response:
    """The address of this page is a secret: nobody it leads to learns it, not even our own servers of files."""
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
