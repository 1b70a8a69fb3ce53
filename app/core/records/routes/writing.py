"""Creating, editing, deleting."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.routes.reading import after_writing, counted, fields_asked, parse_context
from app.core.scope import Scope


def _read_edit(kind: RecordKind, scope: Scope) -> forms.RecordForm:
    """The whole record as edited, or the choices made after a conflict."""
    if forms.is_resolution(request.form):
        return forms.read_resolution(request.form, kind, parse_context(scope))
    return forms.read_record(request.form, fields_asked(kind, scope), parse_context(scope))


def add_writing(blueprint: Blueprint, kind: RecordKind) -> None:
    def form_page(form: forms.RecordForm, *, record_id: UUID | None = None, status: int = 200) -> Response:
        page = pages.form_page(current_scope(), kind, form, record_id)
        return hx.page("records/form.html", blocks=("dialog",), status=status, kind=kind, page=page)

    @blueprint.get("/new")
    @requires(kind.permission("create"))
    def new() -> Response:
        return form_page(pages.blank_form(current_scope(), kind))

    @blueprint.post("/")
    @requires(kind.permission("create"))
    def create() -> Response:
        scope = current_scope()
        form = forms.read_record(request.form, fields_asked(kind, scope), parse_context(scope))
        if form.errors:
            return form_page(form, status=422)
        try:
            record = actions.make_record(scope, kind, form.values)
        except Invalid as refused:
            form.errors.update(refused.errors)
            return form_page(form, status=422)
        hx.flash(f"{kind.title(actions.values_of(kind, record))} was added.")
        return hx.done(after_writing(scope, kind, record), changed=(kind.name,))

    @blueprint.get("/similar")
    @requires(kind.permission("read"))
    def similar() -> Response:
        scope = current_scope()
        form = forms.read_record(request.args, kind.editable, parse_context(scope))
        found = pages.similar_records(scope, kind, form, beside=request.args.get("beside", type=UUID))
        return hx.page("records/similar.html", blocks=("similar",), kind=kind, similar=found)

    @blueprint.get("/<uuid:record_id>/edit")
    @requires(kind.permission("update"))
    def edit(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        return form_page(pages.filled_form(scope, kind, record), record_id=record_id)

    @blueprint.post("/<uuid:record_id>/edit")
    @requires(kind.permission("update"))
    def update(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        form = _read_edit(kind, scope)
        form.raw = pages.filled_form(scope, kind, record).raw | form.raw
        if form.errors:
            return form_page(form, record_id=record_id, status=422)
        try:
            record = actions.update_record(scope, kind, record_id, form.version, form.values)
        except Invalid as refused:
            form.errors.update(refused.errors)
            return form_page(form, record_id=record_id, status=422)
        except Conflict as conflict:
            page = pages.conflict_page(scope, kind, record, form, conflict, url_for(".update", record_id=record_id))
            return hx.page("records/conflict.html", blocks=("dialog",), status=409, kind=kind, page=page)
        hx.flash("Saved.")
        return hx.redirect(after_writing(scope, kind, record))

    @blueprint.get("/<uuid:record_id>/delete")
    @requires(kind.permission("delete"))
    def confirm_delete(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        page = pages.delete_page(scope, kind, [record], url_for(".delete", record_id=record_id))
        return hx.page("records/delete.html", blocks=("dialog",), kind=kind, page=page)

    @blueprint.post("/<uuid:record_id>/delete")
    @requires(kind.permission("delete"))
    def delete(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        title = kind.title(actions.values_of(kind, record))
        deletion, _ = actions.delete_records(scope, kind, [record_id])
        hx.flash(f"{title} was deleted.", undo_url=url_for(".undo_deletion", deletion_id=deletion))
        return hx.redirect(url_for(".list"))

    @blueprint.post("/deletions/<uuid:deletion_id>/undo")
    @requires(kind.permission("delete"))
    def undo_deletion(deletion_id: UUID) -> Response:
        restored = actions.undo_deletion(current_scope(), kind, deletion_id)
        hx.flash(f"{counted(restored, kind)} restored.")
        return hx.done(url_for(".list"), changed=(kind.name,))
