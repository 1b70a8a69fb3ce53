"""Canned replies: one's own, and for those who set up the desk also those of teams and of everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.forms import whole_number
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.tickets import queries
from app.tickets.actions import canned as actions
from app.tickets.actions.canned import CannedValues
from app.tickets.forms.canned import read_canned
from app.tickets.models import CannedReply
from app.tickets.queries import canned as reading
from app.tickets.rules.conversation import VARIABLES

blueprint = Blueprint("canned", __name__, url_prefix="/canned-replies")


def init_app(app: Flask) -> None:
    add_place(app, Place("canned.list", "Canned replies", "template", "ticket:update", area="account", order=40))
    describe("canned_reply.changed", "{what} the canned reply {title}")


@blueprint.get("")
@requires("ticket:update")
def list() -> Response:
    scope = current_scope()
    q = request.args.get("q", "")
    teams = {team.id: team.name for team in queries.list_team_names(scope)}
    rows = [(row, actions.may_change(scope, row)) for row in reading.list_canned(scope, q)]
    return hx.page("canned/list.html", blocks=("canned_list",), rows=rows, q=q, teams=teams)


@blueprint.get("/new")
@requires("ticket:update")
def new() -> Response:
    return _page(None, {})


@blueprint.post("")
@requires("ticket:update")
def create() -> Response:
    typed = read_canned(request.form)
    try:
        row = actions.save_canned(current_scope(), CannedValues(**typed))
    except (Invalid, Forbidden) as refused:
        return _page(None, typed, _problems(refused), 422)
    hx.flash(f"The canned reply {row.title} was added.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/<uuid:canned_id>")
@requires("ticket:update")
def edit(canned_id: UUID) -> Response:
    return _page(reading.get_canned(current_scope(), canned_id), None)


@blueprint.post("/<uuid:canned_id>")
@requires("ticket:update")
def update(canned_id: UUID) -> Response:
    scope = current_scope()
    row, typed = reading.get_canned(scope, canned_id), read_canned(request.form)
    try:
        kept = whole_number(request.form.get("version"))
        row = actions.save_canned(scope, CannedValues(**typed), canned_id=canned_id, version=kept)
    except Invalid as refused:
        return _page(row, typed, refused.errors, 422)
    except Conflict as conflict:
        problem = f"{conflict.message} It says now: “{conflict.theirs['body'][:300]}”. Saving again keeps yours."
        return _page(row, typed, {"": problem}, 409)
    hx.flash(f"The canned reply {row.title} was changed.")
    return hx.redirect(url_for(".list"))


@blueprint.post("/<uuid:canned_id>/delete")
@requires("ticket:update")
def delete(canned_id: UUID) -> Response:
    scope = current_scope()
    title = reading.get_canned(scope, canned_id).title
    actions.delete_canned(scope, canned_id)
    hx.flash(f"The canned reply {title} was deleted.")
    return hx.redirect(url_for(".list"))


def _page(
    row: CannedReply | None,
    typed: Mapping[str, Any] | None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    scope = current_scope()
    stored = {} if row is None else {name: getattr(row, name) for name in ("title", "body", "category", "visibility")}
    stored |= {} if row is None else {"team_id": row.team_id}
    return hx.page(
        "canned/form.html",
        status=status,
        row=row,
        values=stored if typed is None else typed,
        may_change=row is None or actions.may_change(scope, row),
        may_share=scope.may("desk:manage"),
        teams=[(str(team.id), team.name) for team in queries.list_team_names(scope)],
        variables=VARIABLES,
        problems=problems or {},
    )


def _problems(refused: Invalid | Forbidden) -> dict[str, str]:
    return refused.errors if isinstance(refused, Invalid) else {"visibility": refused.message}
