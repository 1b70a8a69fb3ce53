"""Teams: who sees each other's records when their role reaches as far as their teams."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, url_for

from app.accounts import actions, queries
from app.accounts.forms import TeamForm
from app.accounts.queries import TeamInfo
from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place

blueprint = Blueprint("teams", __name__)


def init_app(app: Flask) -> None:
    add_place(app, Place("teams.list", "Teams", "users-group", "user:manage", area="settings", order=25))


@blueprint.get("/teams")
@requires("user:manage")
def list() -> Response:
    scope = current_scope()
    names = {user.id: user.name for user in queries.list_users(scope, disabled=True)}
    return hx.page("teams/list.html", teams=queries.list_teams(scope), names=names)


@blueprint.get("/teams/new")
@requires("user:manage")
def new() -> Response:
    return _page(None, TeamForm(), chosen=set())


@blueprint.post("/teams")
@requires("user:manage")
def create() -> Response:
    form = TeamForm()
    if not form.validate():
        return _page(None, form, form.problems(), 422)
    try:
        actions.create_team(current_scope(), form.name.data or "", form.member_ids())
    except Invalid as refused:
        return _page(None, form, refused.errors, 422)
    hx.flash(f"The team {form.name.data} was made.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/teams/<uuid:team_id>")
@requires("user:manage")
def edit(team_id: UUID) -> Response:
    team = _team(team_id)
    return _page(team, TeamForm(), chosen=set(team.members))


@blueprint.post("/teams/<uuid:team_id>")
@requires("user:manage")
def update(team_id: UUID) -> Response:
    team, form = _team(team_id), TeamForm()
    if not form.validate():
        return _page(team, form, form.problems(), 422)
    try:
        actions.update_team(current_scope(), team_id, form.version_number(), form.name.data or "", form.member_ids())
    except Invalid as refused:
        return _page(team, form, refused.errors, 422)
    except Conflict as conflict:
        return _page(team, form, {"": f"{conflict.message} Look at what it is now, and save again."}, 409)
    hx.flash(f"The team {form.name.data} was changed.")
    return hx.redirect(url_for(".list"))


@blueprint.post("/teams/<uuid:team_id>/delete")
@requires("user:manage")
def delete(team_id: UUID) -> Response:
    team = _team(team_id)
    actions.delete_team(current_scope(), team_id)
    hx.flash(f"The team {team.name} was deleted. Its people are still here.")
    return hx.redirect(url_for(".list"))


def _team(team_id: UUID) -> TeamInfo:
    scope = current_scope()
    queries.get_team(scope, team_id)
    return next(team for team in queries.list_teams(scope) if team.id == team_id)


def _page(
    team: TeamInfo | None,
    form: TeamForm,
    problems: dict[str, str] | None = None,
    status: int = 200,
    *,
    chosen: set[UUID] | None = None,
) -> Response:
    scope = current_scope()
    members = set(form.member_ids()) if chosen is None else chosen
    names = {user.id: user.name for user in queries.list_users(scope, disabled=True)}
    return hx.page(
        "teams/form.html",
        status=status,
        team=team,
        name=form.name.data if chosen is None or team is None else team.name,
        people=queries.list_users(scope),
        chosen=members,
        meanwhile=sorted(names.get(one, "") for one in team.members) if team and status == 409 else None,
        problems=problems or {},
    )
