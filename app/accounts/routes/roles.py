"""Roles: the built-in ones to read, the organisation's own to make and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.accounts import actions, queries
from app.accounts.actions import RoleFacts
from app.accounts.forms import RoleForm
from app.accounts.queries import RoleInfo
from app.core import hx
from app.core.access import ACTION_LINES, KINDS, PERMISSIONS, Reach, requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place

blueprint = Blueprint("roles", __name__)
REACHES = ((Reach.NONE, "None"), (Reach.OWN, "Their own"), (Reach.TEAM, "Their teams'"), (Reach.ALL, "All"))


def init_app(app: Flask) -> None:
    add_place(app, Place("roles.list", "Roles", "shield", "role:manage", area="settings", order=30))


@blueprint.get("/roles")
@requires("role:manage")
def list() -> Response:
    return hx.page("roles/list.html", roles=queries.list_roles(current_scope()), **_words())


@blueprint.get("/roles/new")
@requires("role:manage")
def new() -> Response:
    """Empty, or a copy of the role that is named."""
    source = queries.find_role(current_scope(), request.args.get("copy", ""))
    values = _values(source) | {"name": "", "description": ""} if source else _values(None)
    return _form_page(None, values, copied=source)


@blueprint.post("/roles")
@requires("role:manage")
def create() -> Response:
    form = RoleForm()
    if not form.validate() or form.problems():
        return _form_page(None, form.facts(), form.problems(), 422)
    try:
        actions.create_role(current_scope(), RoleFacts(**form.facts()))
    except Invalid as refused:
        return _form_page(None, form.facts(), refused.errors, 422)
    hx.flash(f"The role {form.name.data} was made.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/roles/<uuid:role_id>")
@requires("role:manage")
def edit(role_id: UUID) -> Response:
    role = _role(role_id)
    return _form_page(role, _values(role))


@blueprint.post("/roles/<uuid:role_id>")
@requires("role:manage")
def update(role_id: UUID) -> Response:
    role, form = _role(role_id), RoleForm()
    if not form.validate() or form.problems():
        return _form_page(role, form.facts(), form.problems(), 422)
    try:
        actions.update_role(current_scope(), role_id, form.version_number(), RoleFacts(**form.facts()))
    except Invalid as refused:
        return _form_page(role, form.facts(), refused.errors, 422)
    except Conflict as conflict:
        return _form_page(role, form.facts(), {"": conflict.message}, 409, theirs=_values(role))
    hx.flash(f"The role {form.name.data} was changed. Whoever has it holds it so from now on.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/roles/<uuid:role_id>/delete")
@requires("role:manage")
def confirm_delete(role_id: UUID) -> Response:
    return _delete_page(_role(role_id))


@blueprint.post("/roles/<uuid:role_id>/delete")
@requires("role:manage")
def delete(role_id: UUID) -> Response:
    role = _role(role_id)
    try:
        actions.delete_role(current_scope(), role_id, request.form.get("move_to"))
    except Conflict as used:
        return _delete_page(role, {"move_to": used.message}, 409)
    except Invalid as refused:
        return _delete_page(role, refused.errors, 422)
    hx.flash(f"The role {role.name} was deleted.")
    return hx.redirect(url_for(".list"))


def _role(role_id: UUID) -> RoleInfo:
    queries.get_role(current_scope(), role_id)
    found = queries.find_role(current_scope(), str(role_id))
    assert found is not None
    return found


def _values(role: RoleInfo | None) -> dict[str, Any]:
    """What the form shows of a role; built-in ones reach all they may."""
    if role is None:
        return {"name": "", "description": "", "permissions": (), "reach": {}}
    rights = role.rights
    reach = {kind: rights.reach_of(kind) for kind in KINDS}
    return {
        "name": role.name,
        "description": role.description,
        "permissions": tuple(rights.permissions),
        "reach": {kind: {"sees": far.sees.value, "changes": far.changes.value} for kind, far in reach.items()},
    }


def _form_page(
    role: RoleInfo | None,
    values: Mapping[str, Any],
    problems: dict[str, str] | None = None,
    status: int = 200,
    *,
    theirs: Mapping[str, Any] | None = None,
    copied: RoleInfo | None = None,
) -> Response:
    return hx.page(
        "roles/form.html",
        status=status,
        role=role,
        values=values,
        problems=problems or {},
        theirs=_differences(values, theirs) if theirs else [],
        copied=copied,
        **_words(),
    )


def _differences(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
    """What somebody else saved meanwhile where it is not what was typed: what, theirs, yours."""
    lines = [(name.capitalize(), theirs[name], mine[name]) for name in ("name", "description")]
    for kind in sorted(KINDS):
        for side in ("sees", "changes"):
            lines.append(
                (f"{_plural(kind)}: {side}", *(one["reach"].get(kind, {}).get(side, "none") for one in (theirs, mine)))
            )
    for permission, line in _all_permissions():
        lines.append((line, *("yes" if permission in one["permissions"] else "no" for one in (theirs, mine))))
    return [line for line in lines if line[1] != line[2]]


def _delete_page(role: RoleInfo, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    scope = current_scope()
    others = [(one.key, one.name) for one in queries.list_grantable(scope) if one.key != role.key]
    people = queries.list_people(scope, queries.Wanted(role=role.key)).rows
    return hx.page("roles/delete.html", status=status, role=role, people=people, others=others, problems=problems or {})


def _words() -> dict[str, Any]:
    """How kinds, actions and permissions are called."""
    return {
        "kinds": [(kind, _plural(kind)) for kind in sorted(KINDS)],
        "actions": [*ACTION_LINES.items()],
        "beyond": sorted(PERMISSIONS.items(), key=lambda pair: pair[1]),
        "reach_words": {Reach.NONE: "none", Reach.OWN: "their own", Reach.TEAM: "their teams'", Reach.ALL: "all"},
        "reaches": [(reach.value, label) for reach, label in REACHES],
    }


def _all_permissions() -> Any:
    for kind in sorted(KINDS):
        for action, line in ACTION_LINES.items():
            yield f"{kind}:{action}", f"{_plural(kind)}: {line.lower()}"
    yield from PERMISSIONS.items()


def _plural(kind: str) -> str:
    return f"{kind.capitalize()}s"
