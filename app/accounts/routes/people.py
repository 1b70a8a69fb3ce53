"""The organisation's people: who there is, what they may do, inviting them and shutting them out."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.accounts import actions, queries
from app.accounts.forms import MOST_AT_ONCE, Invitee, InviteForm, PersonRoleForm, PersonTeamsForm
from app.accounts.queries import PersonRow, Wanted
from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.records.text import clean
from app.core.templating import Place, add_place

blueprint = Blueprint("people", __name__)
_LONGEST = 200


def init_app(app: Flask) -> None:
    add_place(app, Place("people.list", "People", "users", "user:manage", area="settings", order=20))


@blueprint.get("/people")
@requires("user:manage")
def list() -> Response:
    scope, wanted = current_scope(), _wanted()
    people = queries.list_people(scope, wanted)
    previous, following = _pages(people.rows, more=people.more, wanted=wanted)
    return hx.page(
        "people/list.html",
        blocks=("people_list",),
        people=people.rows,
        count=queries.count_people(scope, wanted),
        wanted=wanted,
        filters=_filters(wanted),
        keep=[pair for pair in _filters(wanted).items() if pair[0] != "q"],
        role_choices=[(role.key, role.name) for role in queries.list_roles(scope)],
        team_choices=[(team.id, team.name) for team in queries.list_teams(scope)],
        previous_url=previous,
        next_url=following,
    )


@blueprint.get("/people/new")
@requires("user:manage")
def new() -> Response:
    return _invite_page(InviteForm())


@blueprint.post("/people")
@requires("user:manage")
def invite() -> Response:
    form = InviteForm()
    if not form.validate():
        return _invite_page(form, form.problems(), 422)
    invitees = form.invitees()
    if not 0 < len(invitees) <= MOST_AT_ONCE:
        problem = f"Invite up to {MOST_AT_ONCE} people at once; these are {len(invitees)}."
        return _invite_page(form, {"addresses": problem}, 422)
    try:
        refused = [(one, why) for one in invitees if (why := _invite(one, form))]
    except Invalid as wrong:
        return _invite_page(form, wrong.errors, 422)
    invited = len(invitees) - len(refused)
    if invited:
        hx.flash(f"{invited} {'person was' if invited == 1 else 'people were'} invited.")
    if not refused:
        return hx.redirect(url_for(".list"))
    # 200 when some were invited: an error would take their invitations back.
    return _invite_page(form, status=200 if invited else 422, refused=refused)


@blueprint.get("/people/<uuid:user_id>")
@requires("user:manage")
def show(user_id: UUID) -> Response:
    return _person_page(user_id)


@blueprint.post("/people/<uuid:user_id>/role")
@requires("user:manage")
def set_role(user_id: UUID) -> Response:
    form = PersonRoleForm()
    queries.get_user(current_scope(), user_id)
    if not form.validate():
        return _person_page(user_id, form.problems(), 422)
    return _changed(
        user_id, "The role was changed.", lambda scope: actions.change_role(scope, user_id, _text(form.role.data))
    )


@blueprint.post("/people/<uuid:user_id>/teams")
@requires("user:manage")
def set_teams(user_id: UUID) -> Response:
    form = PersonTeamsForm()
    return _changed(
        user_id, "The teams were changed.", lambda scope: actions.change_teams(scope, user_id, form.team_ids())
    )


@blueprint.post("/people/<uuid:user_id>/disable")
@requires("user:manage")
def disable(user_id: UUID) -> Response:
    return _changed(user_id, "Nobody can sign in as them any more.", lambda scope: actions.disable_user(scope, user_id))


@blueprint.post("/people/<uuid:user_id>/enable")
@requires("user:manage")
def enable(user_id: UUID) -> Response:
    return _changed(user_id, "They can sign in again.", lambda scope: actions.enable_user(scope, user_id))


@blueprint.post("/people/<uuid:user_id>/sessions/delete")
@requires("user:manage")
def delete_sessions(user_id: UUID) -> Response:
    return _changed(user_id, "They are signed out everywhere.", lambda scope: actions.end_sessions_of(scope, user_id))


@blueprint.post("/people/<uuid:user_id>/invitations")
@requires("user:manage")
def send_invitation(user_id: UUID) -> Response:
    return _changed(user_id, "A new invitation is on its way.", lambda scope: actions.resend_invitation(scope, user_id))


@blueprint.post("/people/<uuid:user_id>/invitations/delete")
@requires("user:manage")
def delete_invitation(user_id: UUID) -> Response:
    scope = current_scope()
    queries.get_user(scope, user_id)
    try:
        actions.withdraw_invitation(scope, user_id)
    except Conflict as refused:
        return _person_page(user_id, {"": refused.message}, 409)
    hx.flash("The invitation was withdrawn.")
    return hx.redirect(url_for(".list"))


def _changed(user_id: UUID, done: str, change: Any) -> Response:
    """Does it, and shows the person; a refusal is shown there too."""
    try:
        change(current_scope())
    except Invalid as refused:
        return _person_page(user_id, refused.errors, 422)
    except Conflict as refused:
        return _person_page(user_id, {"": refused.message}, 409)
    hx.flash(done)
    return hx.redirect(url_for(".show", user_id=user_id))


def _person_page(user_id: UUID, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    scope = current_scope()
    user = queries.get_user(scope, user_id)
    roles = queries.list_roles(scope)
    key = str(user.role_id or user.role)
    return hx.page(
        "people/show.html",
        status=status,
        person=user,
        state=queries.status_of(user),
        role=next((role for role in roles if role.key == key), None),
        roles=[(role.key, role.name) for role in queries.list_grantable(scope)],
        teams=queries.list_teams(scope),
        in_teams=queries.list_team_ids(scope, user_id),
        tokens=queries.list_api_tokens(scope, user_id),
        sessions=queries.count_sessions(scope, user_id, scope.now),
        factors=queries.factors_of(scope.tenant_id, user_id),
        lock=queries.lock_of(scope, user_id),
        refusal=queries.find_refusal(scope, user),
        problems=problems or {},
    )


def _invite(one: Invitee, form: InviteForm) -> str | None:
    """Invites somebody, or says why not."""
    if one.problem:
        return one.problem
    try:
        actions.invite_user(
            current_scope(), email=one.email, name=one.name, role=_text(form.role.data), team_ids=form.team_ids()
        )
    except Conflict as here:
        return here.message
    return None


def _invite_page(
    form: InviteForm,
    problems: dict[str, str] | None = None,
    status: int = 200,
    refused: Any = (),
) -> Response:
    scope = current_scope()
    typed = "\n".join(one.line for one, _ in refused) if refused else form.addresses.data
    return hx.page(
        "people/new.html",
        status=status,
        form=form,
        addresses=typed,
        roles=[(role.key, role.name) for role in queries.list_grantable(scope)],
        teams=queries.list_teams(scope),
        chosen=[str(one) for one in form.team_ids()],
        problems=problems or {},
        refused=refused,
        most=MOST_AT_ONCE,
    )


def _wanted() -> Wanted:
    """What the address asks for; what makes no sense in it is left out."""
    given = {name: _text(request.args.get(name)) for name in ("q", "role", "team", "status")}
    return Wanted(**given, after=_mark(request.args.get("after")), before=_mark(request.args.get("before")))


def _filters(wanted: Wanted) -> dict[str, Any]:
    given: dict[str, Any] = {"q": wanted.q, "role": wanted.role, "team": wanted.team, "status": wanted.status}
    return {name: value for name, value in given.items() if value}


def _pages(rows: tuple[PersonRow, ...], *, more: bool, wanted: Wanted) -> tuple[str | None, str | None]:
    """Addresses of the page before and the page after."""
    if not rows:
        return (url_for(".list", **_filters(wanted)) if wanted.after or wanted.before else None), None
    before = url_for(".list", **_filters(wanted), before=_written(rows[0]))
    after = url_for(".list", **_filters(wanted), after=_written(rows[-1]))
    if wanted.before:
        return (before if more else None), after
    return (before if wanted.after else None), (after if more else None)


def _written(row: PersonRow) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.sort, str(row.id)]).encode()).decode().rstrip("=")


def _mark(text: str | None) -> tuple[str, UUID] | None:
    try:
        name, row_id = json.loads(base64.urlsafe_b64decode((text or "").encode() + b"=="))
        return _text(name), UUID(row_id)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _text(value: Any) -> str:
    return " ".join(clean(value[:_LONGEST]).split()) if isinstance(value, str) else ""
