"""Merging, splitting and linking tickets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.core.sentences import describe
from app.tickets import queries
from app.tickets.actions import relating as actions
from app.tickets.forms import relating as forms
from app.tickets.models import Ticket
from app.tickets.pages import relating as pages
from app.tickets.queries import relations
from app.tickets.rules.lifecycle import title_of

blueprint = Blueprint("relations", __name__, url_prefix="/tickets")


def init_app(app: Flask) -> None:
    describe("ticket.merged", "merged it into #{number}")
    describe("ticket.absorbed", "merged #{number} into it")
    describe("ticket.unmerged", "took apart the merge with #{number}")
    describe("ticket.linked", lambda data: f"linked it: {pages.said(data['link'])} #{data['number']}")
    describe("ticket.unlinked", "took away the link to #{number}")


@blueprint.get("/<uuid:record_id>/merge")
@requires("ticket:update")
def ask_merge(record_id: UUID) -> Response:
    return _page("merge", queries.get_ticket(current_scope(), record_id, change=True))


@blueprint.post("/<uuid:record_id>/merge")
@requires("ticket:update")
def merge(record_id: UUID) -> Response:
    scope = current_scope()
    ticket = queries.get_ticket(scope, record_id, change=True)
    try:
        into = _other(scope, forms.read_number(request.form))
        actions.merge(scope, record_id, into.id)
    except Invalid as refused:
        return _page("merge", ticket, refused.errors, 422)
    undo = url_for(".undo_merge", record_id=record_id)
    hx.flash(f"#{ticket.number} is part of #{into.number} now.", undo_url=undo)
    return hx.redirect(url_for("tickets.show", record_id=into.id))


@blueprint.post("/<uuid:record_id>/merge/undo")
@requires("ticket:update")
def undo_merge(record_id: UUID) -> Response:
    try:
        ticket = actions.undo_merge(current_scope(), record_id)
    except Conflict as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("tickets.show", record_id=record_id))
    hx.flash(f"#{ticket.number} is a ticket of its own again.")
    return hx.redirect(url_for("tickets.show", record_id=record_id))


@blueprint.get("/<uuid:record_id>/links/new")
@requires("ticket:update")
def new_link(record_id: UUID) -> Response:
    return _page("link", queries.get_ticket(current_scope(), record_id, change=True))


@blueprint.post("/<uuid:record_id>/links")
@requires("ticket:update")
def add_link(record_id: UUID) -> Response:
    scope = current_scope()
    ticket = queries.get_ticket(scope, record_id, change=True)
    try:
        other = _other(scope, forms.read_number(request.form))
        actions.link(scope, record_id, other.id, request.form.get("kind", "related"))
    except Invalid as refused:
        return _page("link", ticket, refused.errors, 422)
    hx.flash(f"#{ticket.number} and #{other.number} are linked.")
    return hx.redirect(url_for("tickets.show", record_id=record_id))


@blueprint.post("/<uuid:record_id>/links/<uuid:link_id>/delete")
@requires("ticket:update")
def delete_link(record_id: UUID, link_id: UUID) -> Response:
    actions.unlink(current_scope(), record_id, link_id)
    hx.flash("The link was taken away.")
    return hx.redirect(url_for("tickets.show", record_id=record_id))


@blueprint.get("/<uuid:record_id>/split")
@requires("ticket:update")
def ask_split(record_id: UUID) -> Response:
    return _page("split", queries.get_ticket(current_scope(), record_id, change=True))


@blueprint.post("/<uuid:record_id>/split")
@requires("ticket:update")
def split(record_id: UUID) -> Response:
    scope = current_scope()
    ticket = queries.get_ticket(scope, record_id, change=True)
    try:
        chosen = forms.read_messages(request.form.getlist("messages"))
        made = actions.split(scope, record_id, chosen, forms.read_subject(request.form))
    except Invalid as refused:
        return _page("split", ticket, refused.errors, 422)
    hx.flash(f"#{made.number} was split off from #{ticket.number}.")
    return hx.redirect(url_for("tickets.show", record_id=made.id))


def _other(scope: Scope, number: int) -> Ticket:
    found = relations.find_by_number(scope, number)
    if found is None:
        raise Invalid({"number": f"There is no ticket #{number} that you can see."})
    return found


def _page(what: str, ticket: Ticket, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    shown: dict[str, Any] = {"ticket": ticket, "errors": errors or {}, "form": request.form, "links": pages.LINKS}
    if what == "merge":
        shown["others"] = pages.merge_lines(current_scope(), ticket)
    if what == "split":
        shown["messages"] = pages.message_lines(relations.list_messages_of(current_scope(), ticket.id))
    title = title_of({"number": ticket.number, "subject": ticket.subject})
    return hx.page(f"tickets/{what}.html", blocks=("dialog",), status=status, ticket_title=title, **shown)
