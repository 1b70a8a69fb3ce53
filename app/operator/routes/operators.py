"""The operators themselves, and what they did."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import operator
from app.core.errors import Conflict
from app.core.links import absolute_url
from app.operator import actions, queries, store
from app.operator.forms import OperatorForm
from app.operator.gate import current_operator

_EVENTS = 50


def add_to(blueprint: Blueprint) -> None:
    @blueprint.get("/operators")
    @operator
    def list_operators() -> Response:
        return _page(OperatorForm())

    @blueprint.post("/operators")
    @operator
    def add_operator() -> Response:
        form = OperatorForm()
        if not form.validate():
            return _page(form, form.problems(), 422)
        try:
            with store.transaction() as session:
                token = actions.add_operator(
                    session, current_operator(), email=form.email.data or "", name=form.name.data or ""
                )
        except Conflict as there:
            return _page(form, {"email": there.message}, 422)
        return _link_page(form.name.data or "", token)

    @blueprint.post("/operators/<uuid:operator_id>/restart")
    @operator
    def restart_operator(operator_id: UUID) -> Response:
        with store.transaction() as session:
            token = actions.begin_again(session, current_operator(), operator_id)
            name = queries.get_operator(session, operator_id).name
        return _link_page(name, token)

    @blueprint.post("/operators/<uuid:operator_id>/disable")
    @operator
    def disable_operator(operator_id: UUID) -> Response:
        try:
            with store.transaction() as session:
                actions.disable_operator(session, current_operator(), operator_id)
        except Conflict as last:
            return _page(OperatorForm(formdata=None), {"": last.message}, 409)
        hx.flash("They cannot come in any more.")
        return hx.redirect(url_for(".list_operators"))

    @blueprint.post("/operators/<uuid:operator_id>/enable")
    @operator
    def enable_operator(operator_id: UUID) -> Response:
        with store.transaction() as session:
            actions.enable_operator(session, current_operator(), operator_id)
        hx.flash("They can come in again.")
        return hx.redirect(url_for(".list_operators"))

    @blueprint.get("/events")
    @operator
    def list_events() -> Response:
        before = request.args.get("before", type=UUID)
        with store.reading() as session:
            events = queries.list_events(session, before=before, limit=_EVENTS + 1)
        return hx.page("operator/events.html", events=events[:_EVENTS], has_more=len(events) > _EVENTS)


def _page(form: OperatorForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        people = queries.list_operators(session)
    me = current_operator().id
    return hx.page("operator/operators.html", status=status, people=people, form=form, problems=problems or {}, me=me)


def _link_page(name: str, token: str) -> Response:
    """The link is shown once, to be handed over by hand: it makes whoever has it an operator."""
    return hx.page("operator/link.html", name=name, link=absolute_url(None, "operator.enrol", token=token))
