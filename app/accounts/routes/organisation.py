"""The organisation's settings: name and place, rules of sign-in, how long things are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.accounts import actions, queries
from app.accounts.forms import organisation as forms
from app.accounts.forms.organisation import OrganisationForm
from app.accounts.rules import ROLES
from app.core import hx, localities, templating
from app.core.access import requires, signed_in
from app.core.clock import now
from app.core.errors import Conflict, Forbidden
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.core.templating import Place, add_place

blueprint = Blueprint("organisation", __name__)


def init_app(app: Flask) -> None:
    add_place(
        app,
        Place("organisation.show", "Organisation", "building", "tenant:manage", area="settings", order=10),
    )


@blueprint.get("/settings")
@signed_in
def home() -> Response:
    """To the first page of the settings that the asker may open."""
    places = templating.nav_items("settings")
    if not places:
        raise Forbidden("Your role does not open any settings. Ask an administrator.")
    return hx.redirect(places[0].url)


@blueprint.get("/settings/organisation")
@requires("tenant:manage")
def show() -> Response:
    scope = current_scope()
    settings, version = queries.get_settings(scope)
    return _page(scope, forms.filled(settings, version))


@blueprint.post("/settings/organisation")
@requires("tenant:manage")
def update() -> Response:
    scope = current_scope()
    settings, _ = queries.get_settings(scope)
    form = forms.read(request.form, settings, frozenset(dict(_roles(scope))))
    if form.errors:
        return _page(scope, form, status=422)
    affected = _newly_asked(scope, form, settings)
    me = scope.user_id in affected
    if affected and "confirmed" not in request.form:
        return _page(scope, form, affected=affected)
    try:
        changed = actions.change_organisation(scope, form.version, form.values)
    except Conflict as conflict:
        return _conflict_page(scope, conflict)
    if me:
        hx.flash("Saved. Set up your own second factor now.", "info")
        return hx.redirect(url_for("security.show"))
    hx.flash("Saved." if changed else "Nothing was changed.", "success" if changed else "info")
    return hx.redirect(url_for(".show"))


def _newly_asked(scope: Scope, form: OrganisationForm, settings: Mapping[str, Any]) -> dict[UUID, str]:
    """Who would be asked for a second factor from now on, and has none: names by id."""
    new = set(form.values["second_factor_for"]) - set(settings["second_factor_for"])
    return {user.id: user.name for user in queries.list_without_second_factor(scope, new)} if new else {}


def _page(
    scope: Scope, form: OrganisationForm, *, affected: Mapping[UUID, str] | None = None, status: int = 200
) -> Response:
    return hx.page(
        "organisation/show.html",
        status=status,
        form=form,
        labels=forms.LABELS,
        affected=list((affected or {}).values()),
        affects_me=scope.user_id in (affected or {}),
        slug=scope.tenant_slug,
        choices={
            "zones": localities.zones(),
            "locale": _offered(localities.locales(), form.raw["locale"]),
            "region": _offered(localities.regions(), form.raw["region"]),
            "currency": _offered(localities.currencies(), form.raw["currency"]),
            "roles": _roles(scope),
        },
    )


def _conflict_page(scope: Scope, conflict: Conflict) -> Response:
    """Both versions of what two people changed; what only one of them changed goes along as it is now."""
    stored, version = queries.get_settings(scope)
    merged, names = {**stored, **conflict.mine}, dict(_roles(scope))
    rows = [
        {
            "name": name,
            "label": label,
            "mine": _shown(name, conflict.mine[name], names),
            "mine_value": forms.written(conflict.mine[name]),
            "theirs": _shown(name, conflict.theirs[name], names),
        }
        for name, label in forms.LABELS.items()
        if name in conflict.theirs
    ]
    fields = {name: forms.written(merged[name]) for name in forms.LABELS if name not in conflict.theirs}
    return hx.page(
        "organisation/conflict.html",
        status=409,
        rows=rows,
        by=conflict.by,
        at=now(),
        fields={**fields, "version": version, "confirmed": "1"},
    )


def _shown(name: str, value: Any, roles: Mapping[str, str]) -> str:
    if name == "second_factor_for":
        return ", ".join(roles.get(role, role) for role in value) or "nobody"
    if value is None:
        return "for good"
    return dict(_listed(name)).get(value, str(value))


def _listed(name: str) -> list[tuple[str, str]]:
    lists = {"locale": localities.locales, "region": localities.regions, "currency": localities.currencies}
    return lists[name]() if name in lists else []


def _roles(scope: Scope) -> list[tuple[str, str]]:
    """Those a second factor can be asked of: built in, then the organisation's own."""
    return [(role, role.capitalize()) for role in ROLES] + queries.list_role_choices(scope)


def _offered(choices: list[tuple[str, str]], present: str) -> list[tuple[str, str]]:
    """The list, with what is stored though the list has it no more."""
    return choices if not present or present in dict(choices) else [(present, present), *choices]
