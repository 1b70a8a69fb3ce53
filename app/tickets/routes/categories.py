"""Categories of tickets, for whoever sets up the desk."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.tickets import queries
from app.tickets.actions import categories as actions
from app.tickets.forms import CategoryForm
from app.tickets.models import TicketCategory

blueprint = Blueprint("categories", __name__, url_prefix="/settings/categories")


def init_app(app: Flask) -> None:
    add_place(app, Place("categories.list", "Categories", "category", "desk:manage", area="settings", order=42))
    describe("category.changed", lambda data: f"{data['what'] or 'changed'} the category {data['name']}")


@blueprint.get("")
@requires("desk:manage")
def list() -> Response:
    return hx.page("categories/list.html", categories=queries.list_categories(current_scope()))


@blueprint.get("/new")
@requires("desk:manage")
def new() -> Response:
    return _page(None, CategoryForm(formdata=None))


@blueprint.post("")
@requires("desk:manage")
def create() -> Response:
    form = CategoryForm()
    if not form.validate():
        return _page(None, form, form.problems(), 422)
    try:
        actions.create_category(current_scope(), form.name.data or "", form.description.data or "")
    except Invalid as refused:
        return _page(None, form, refused.errors, 422)
    hx.flash(f"The category {form.name.data} was made.")
    return hx.redirect(url_for(".list"))


@blueprint.get("/<uuid:category_id>")
@requires("desk:manage")
def edit(category_id: UUID) -> Response:
    row = queries.get_category(current_scope(), category_id)
    return _page(row, CategoryForm(formdata=None, obj=row))


@blueprint.post("/<uuid:category_id>")
@requires("desk:manage")
def update(category_id: UUID) -> Response:
    scope, form = current_scope(), CategoryForm()
    row = queries.get_category(scope, category_id)
    if not form.validate():
        return _page(row, form, form.problems(), 422)
    try:
        version = form.version_number()
        actions.update_category(scope, category_id, version, form.name.data or "", form.description.data or "")
    except Invalid as refused:
        return _page(row, form, refused.errors, 422)
    except Conflict as conflict:
        told = f"{conflict.message} It is called “{row.name}” now; saving again keeps what you typed."
        return _page(row, form, {"": told}, 409)
    hx.flash("Saved.")
    return hx.redirect(url_for(".list"))


@blueprint.post("/<uuid:category_id>/archive")
@requires("desk:manage")
def archive(category_id: UUID) -> Response:
    archived = request.form.get("archived") != "no"
    actions.archive_category(current_scope(), category_id, archived)
    hx.flash("It is offered no more; tickets keep it." if archived else "It is offered again.")
    return hx.redirect(url_for(".list"))


@blueprint.post("/<uuid:category_id>/move")
@requires("desk:manage")
def move(category_id: UUID) -> Response:
    actions.move_category(current_scope(), category_id, up=request.form.get("to") == "up")
    return hx.redirect(url_for(".list"))


def _page(
    row: TicketCategory | None, form: CategoryForm, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    return hx.page("categories/form.html", status=status, category=row, form=form, problems=problems or {})
