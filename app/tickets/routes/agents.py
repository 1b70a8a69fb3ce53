"""Who takes tickets: the desk's page of all agents, one's own availability, and taking one by hand."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import dispatcher, hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.forms import whole_number
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.tickets import queries
from app.tickets.actions import assigning as actions
from app.tickets.forms.agents import read_agent
from app.tickets.queries import agents
from app.tickets.rules.settings import MANUAL

blueprint = Blueprint("agents", __name__)


def init_app(app: Flask) -> None:
    add_place(app, Place("agents.list", "Agents", "headset", "desk:manage", area="settings", order=43))
    add_place(app, Place("agents.show", "Availability", "headset", "ticket:update", area="account", order=15))
    dispatcher.subscribe("tickets.assigning", actions.AFTER, actions.drain_after)
    describe("agent.changed", "changed how {name} takes part in assignment")


@blueprint.get("/settings/agents")
@requires("desk:manage")
def list() -> Response:
    return _list()


@blueprint.post("/settings/agents/<uuid:agent_id>")
@requires("desk:manage")
def update(agent_id: UUID) -> Response:
    scope = current_scope()
    agent = agents.get_agent(scope, agent_id)
    try:
        changed = actions.set_agent(scope, agent_id, read_agent(request.form))
    except Invalid as refused:
        return _list(refused.errors, agent_id, 422)
    hx.flash(f"Saved: {agent.name}." if changed else "Nothing was changed.", "success" if changed else "info")
    return hx.redirect(url_for(".list"))


@blueprint.get("/account/availability")
@requires("ticket:update")
def show() -> Response:
    scope = current_scope()
    assert scope.user_id is not None
    agent = agents.get_agent(scope, scope.user_id)
    return hx.page("agents/show.html", agent=agent, settings=queries.get_desk_settings(scope), manual=MANUAL)


@blueprint.post("/account/availability")
@requires("ticket:update")
def set_own() -> Response:
    scope = current_scope()
    assert scope.user_id is not None
    available = request.form.get("available") == "yes"
    actions.set_agent(scope, scope.user_id, {"available": available})
    hx.flash("New tickets may come to you." if available else "No ticket is given to you until you are back.")
    return hx.redirect(url_for(".show"))


@blueprint.post("/tickets/<uuid:record_id>/take")
@requires("ticket:update")
def take(record_id: UUID) -> Response:
    scope = current_scope()
    here = url_for("tickets.show", record_id=record_id)
    queries.get_ticket(scope, record_id, change=True)
    try:
        ticket = actions.take(scope, record_id, whole_number(request.form.get("version")))
    except Invalid as refused:
        hx.flash(str(refused), "danger")
        return hx.redirect(here)
    except Conflict as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(here)
    hx.flash(f"#{ticket.number} is yours.")
    return hx.redirect(here)


def _list(errors: dict[str, str] | None = None, user_id: UUID | None = None, status: int = 200) -> Response:
    scope = current_scope()
    return hx.page(
        "agents/list.html",
        status=status,
        agents=agents.list_agents(scope),
        waiting=agents.count_waiting(scope),
        settings=queries.get_desk_settings(scope),
        manual=MANUAL,
        errors=errors or {},
        wrong=user_id,
        typed=request.form.get("capacity", ""),
    )
