"""Calendars of the service desk: when somebody works, and so when time counts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx, localities
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place
from app.tickets.actions import calendars as actions
from app.tickets.actions import starting
from app.tickets.forms import calendars as forms
from app.tickets.pages import calendars as pages
from app.tickets.queries import calendars as queries
from app.tickets.queries.calendars import CalendarInfo
from app.tickets.queries.changes import find_latest_change

blueprint = Blueprint("calendars", __name__, url_prefix="/settings/calendars")


def init_app(app: Flask) -> None:
    add_place(app, Place("calendars.list", "Calendars", "calendar-time", "desk:manage", area="settings", order=45))


@blueprint.get("")
@requires("desk:manage")
def list() -> Response:
    scope = current_scope()
    found = queries.list_calendars(scope)
    return hx.page(
        "calendars/list.html",
        calendars=[(one, pages.summary(one.definition), pages.country_line(one.definition)) for one in found],
        used=queries.count_policies_by_calendar(scope),
    )


@blueprint.get("/new")
@requires("desk:manage")
def new() -> Response:
    scope = current_scope()
    definition = starting.working_week(scope)
    return _page(None, forms.filled("", definition, 0, scope.now.date()))


@blueprint.post("")
@requires("desk:manage")
def create() -> Response:
    scope = current_scope()
    form = forms.read(request.form, scope.now)
    if form.errors or "preview" in request.form:
        return _page(None, form, 422 if form.errors else 200)
    try:
        actions.create_calendar(scope, form.name, form.definition)
    except Invalid as refused:
        form.errors = refused.errors
        return _page(None, form, 422)
    _say(f"The calendar {form.name} was made.", form.remarks)
    return hx.redirect(url_for(".list"))


@blueprint.get("/<uuid:calendar_id>")
@requires("desk:manage")
def edit(calendar_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_calendar(scope, calendar_id)
    return _page(found, forms.filled(found.name, found.definition, found.version, scope.now.date()))


@blueprint.post("/<uuid:calendar_id>")
@requires("desk:manage")
def update(calendar_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_calendar(scope, calendar_id)
    form = forms.read(request.form, scope.now)
    if form.errors or "preview" in request.form:
        return _page(found, form, 422 if form.errors else 200)
    try:
        changed = actions.update_calendar(scope, calendar_id, form.version, form.name, form.definition)
    except Invalid as refused:
        form.errors = refused.errors
        return _page(found, form, 422)
    except Conflict as conflict:
        form.errors = {"": f"{conflict.message} Look at what it is now, and save again."}
        form.version = found.version
        return _page(found, form, 409)
    more = [*form.remarks, *(["Open tickets are being counted anew."] if changed else [])]
    _say(f"The calendar {form.name} was saved.", more)
    return hx.redirect(url_for(".edit", calendar_id=calendar_id))


@blueprint.post("/<uuid:calendar_id>/delete")
@requires("desk:manage")
def delete(calendar_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_calendar(scope, calendar_id)
    try:
        actions.archive_calendar(scope, calendar_id)
    except Invalid as refused:
        form = forms.filled(found.name, found.definition, found.version, scope.now.date())
        form.errors = refused.errors
        return _page(found, form, 422)
    hx.flash(f"The calendar {found.name} was put away. What was counted by it stays.")
    return hx.redirect(url_for(".list"))


def _say(text: str, more: Sequence[str]) -> None:
    hx.flash(" ".join([text, *more]))


def _page(found: CalendarInfo | None, form: forms.CalendarForm, status: int = 200) -> Response:
    scope = current_scope()
    rows = [*form.rows, *(dict(forms.EMPTY_ROW) for _ in range(3))]
    return hx.page(
        "calendars/form.html",
        status=status,
        calendar=found,
        form=form,
        rows=rows,
        days=forms.DAY_NAMES,
        zones=localities.zones(),
        countries=pages.country_choices(),
        subdivisions=pages.subdivision_choices(),
        preview=None if form.errors else pages.preview(scope, form.definition),
        change=find_latest_change(scope, found.id) if found else None,
        policies=queries.list_policies_with_calendar(scope, found.id) if found else [],
    )
