"""Policies of the service desk: what is promised to which tickets."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place
from app.tickets.actions import policies as actions
from app.tickets.actions import starting
from app.tickets.forms import policies as forms
from app.tickets.pages import policies as pages
from app.tickets.queries import policies as queries
from app.tickets.queries.changes import find_latest_change
from app.tickets.queries.clocks import count_running
from app.tickets.queries.policies import PolicyInfo

blueprint = Blueprint("policies", __name__, url_prefix="/settings/policies")


def init_app(app: Flask) -> None:
    add_place(app, Place("policies.list", "Service levels", "clock-check", "desk:manage", area="settings", order=44))


@blueprint.get("")
@requires("desk:manage")
def list() -> Response:
    scope = current_scope()
    categories = dict(pages.choices(scope).categories)
    found = queries.list_policies(scope)
    return hx.page(
        "policies/list.html",
        policies=[
            (one, pages.conditions_line(one.definition, categories), pages.targets_line(one.definition))
            for one in found
        ],
    )


@blueprint.post("/start")
@requires("desk:manage")
def start() -> Response:
    try:
        made = starting.start(current_scope())
    except Invalid as refused:
        hx.flash(refused.message, "warning")
    else:
        hx.flash(f"{made} service levels were set up. Look through them, and set the calendar's holidays.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/new")
@requires("desk:manage")
def new() -> Response:
    return _page(None, forms.empty(pages.choices(current_scope())))


@blueprint.post("")
@requires("desk:manage")
def create() -> Response:
    scope = current_scope()
    form = forms.read(request.form, pages.choices(scope))
    if form.errors or form.calendar_id is None:
        return _page(None, form, 422)
    try:
        actions.create_policy(scope, form.name, form.calendar_id, form.definition)
    except Invalid as refused:
        form.errors = refused.errors
        return _page(None, form, 422)
    hx.flash(f"The policy {form.name} was made. It holds for tickets that come in from now on.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/<uuid:policy_id>")
@requires("desk:manage")
def edit(policy_id: UUID) -> Response:
    found = queries.get_policy(current_scope(), policy_id)
    return _page(found, forms.filled(found.name, found.calendar_id, found.definition, found.version))


@blueprint.post("/<uuid:policy_id>")
@requires("desk:manage")
def update(policy_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_policy(scope, policy_id)
    form = forms.read(request.form, pages.choices(scope))
    if form.errors or form.calendar_id is None:
        return _page(found, form, 422)
    try:
        noticed = actions.update_policy(scope, policy_id, form.version, form.name, form.calendar_id, form.definition)
    except Invalid as refused:
        form.errors = refused.errors
        return _page(found, form, 422)
    except Conflict as conflict:
        form.errors = {"": f"{conflict.message} Look at what it is now, and save again."}
        form.version = found.version
        return _page(found, form, 409)
    more = " Its open tickets are being counted anew." if noticed else ""
    hx.flash(f"The policy {form.name} was saved.{more}")
    return hx.redirect(url_for(".edit", policy_id=policy_id))


@blueprint.post("/<uuid:policy_id>/move")
@requires("desk:manage")
def move(policy_id: UUID) -> Response:
    scope = current_scope()
    order = [one.id for one in queries.list_policies(scope)]
    here = order.index(policy_id) if policy_id in order else len(order)
    step = {"up": -1, "down": 1}.get(request.form.get("to", ""))
    wanted = request.form.get("place", "")
    place = here + step if step else int(wanted) if wanted.isdecimal() and len(wanted) < 5 else here
    actions.move_policy(scope, policy_id, place)
    return hx.redirect(url_for(".list"))


@blueprint.post("/<uuid:policy_id>/enable")
@requires("desk:manage")
def enable(policy_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_policy(scope, policy_id)
    actions.switch_policy(scope, policy_id, on=True)
    hx.flash(f"The policy {found.name} is on. It holds for tickets that come in from now on.")
    return hx.redirect(url_for(".edit", policy_id=policy_id))


@blueprint.post("/<uuid:policy_id>/disable")
@requires("desk:manage")
def disable(policy_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_policy(scope, policy_id)
    tickets = actions.switch_policy(scope, policy_id, on=False)
    hx.flash(f"The policy {found.name} is off. {_ended(tickets)}")
    return hx.redirect(url_for(".edit", policy_id=policy_id))


@blueprint.post("/<uuid:policy_id>/delete")
@requires("desk:manage")
def delete(policy_id: UUID) -> Response:
    scope = current_scope()
    found = queries.get_policy(scope, policy_id)
    tickets = actions.archive_policy(scope, policy_id)
    hx.flash(f"The policy {found.name} was deleted. {_ended(tickets)}")
    return hx.redirect(url_for(".list"))


def _ended(tickets: int) -> str:
    if not tickets:
        return "No open ticket ran on it."
    return f"The clocks of {tickets:,} open ticket{'s' if tickets != 1 else ''} end without a breach."


def _page(found: PolicyInfo | None, form: forms.PolicyForm, status: int = 200) -> Response:
    scope = current_scope()
    return hx.page(
        "policies/form.html",
        status=status,
        policy=found,
        form=form,
        choices=pages.choices(scope),
        reopenings=forms.REOPENINGS,
        change=find_latest_change(scope, found.id) if found else None,
        running=count_running(scope, found.id) if found else 0,
        **pages.options(),
    )
