"""A record's own page at work: fields in place, status, notes."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.reach import may_see
from app.core.records.routes.reading import after_writing, parse_context


def add_inline(blueprint: Blueprint, kind: RecordKind) -> None:
    def field_page(page: pages.FieldPage, *, status: int = 200) -> Response:
        return hx.page("records/field.html", blocks=("field",), status=status, kind=kind, page=page)

    @blueprint.get("/<uuid:record_id>/fields/<name>")
    @requires(kind.permission("read"))
    def show_field(record_id: UUID, name: str) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        return field_page(pages.field_page(scope, kind, record, kind.field(name)))

    @blueprint.get("/<uuid:record_id>/fields/<name>/edit")
    @requires(kind.permission("update"))
    def edit_field(record_id: UUID, name: str) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        spec = pages.inline_field(kind, name)
        if spec not in pages.offered(scope, kind):
            raise Forbidden
        return field_page(pages.field_page(scope, kind, record, spec, editing=True))

    @blueprint.post("/<uuid:record_id>/fields/<name>")
    @requires(kind.permission("update"))
    def update_field(record_id: UUID, name: str) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        spec = pages.inline_field(kind, name)
        form = forms.read_field(request.form, kind, spec, parse_context(scope))
        if form.errors:
            return field_page(pages.field_page(scope, kind, record, spec, form=form), status=422)
        try:
            record = actions.update_record(scope, kind, record_id, form.version, form.values)
        except Invalid as refused:
            form.errors[spec.name] = str(refused)
            return field_page(pages.field_page(scope, kind, record, spec, form=form), status=422)
        except Conflict as conflict:
            page = pages.field_page(scope, kind, record, spec, form=form, conflict=conflict)
            return field_page(page, status=409)
        if not hx.is_fragment() or not may_see(scope, kind, record.owner_id):
            return hx.redirect(after_writing(scope, kind, record))
        return hx.announce(field_page(pages.field_page(scope, kind, record, spec)), f"{kind.name}-changed")


def add_status(blueprint: Blueprint, kind: RecordKind) -> None:
    if kind.lifecycle is None:
        return

    def move_page(
        record_id: UUID, form: forms.MoveForm, errors: Mapping[str, str] | None = None, *, status: int = 200
    ) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        page = pages.move_page(scope, kind, record, form, errors or {})
        return hx.page("records/move.html", blocks=("dialog",), status=status, kind=kind, page=page)

    @blueprint.get("/<uuid:record_id>/move")
    @requires(kind.permission("update"))
    def ask_move(record_id: UUID) -> Response:
        return move_page(record_id, forms.read_move(request.args))

    @blueprint.post("/<uuid:record_id>/move")
    @requires(kind.permission("update"))
    def move(record_id: UUID) -> Response:
        scope = current_scope()
        form = forms.read_move(request.form)
        try:
            actions.move_record(scope, kind, record_id, form.version, form.to, form.reason)
        except Invalid as refused:
            return move_page(record_id, form, refused.errors, status=422)
        except Conflict as conflict:
            return move_page(record_id, form, {"": conflict.message}, status=409)
        return hx.done(url_for(".show", record_id=record_id), changed=(kind.name,))


def add_notes(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.post("/<uuid:record_id>/notes")
    @requires(kind.permission("update"))
    def add_note(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, change=True)
        try:
            actions.add_note(scope, kind, record_id, forms.read_note(request.form))
        except Invalid as refused:
            page = pages.record_page(scope, kind, record, note=request.form.get("body", ""), errors=refused.errors)
            return hx.page("records/show.html", blocks=("timeline",), status=422, kind=kind, page=page)
        if not hx.is_fragment():
            return hx.redirect(url_for(".show", record_id=record_id, _anchor="timeline"))
        page = pages.record_page(scope, kind, record)
        return hx.page("records/show.html", blocks=("timeline",), kind=kind, page=page)

    @blueprint.post("/<uuid:record_id>/notes/<uuid:note_id>/delete")
    @requires(kind.permission("update"))
    def delete_note(record_id: UUID, note_id: UUID) -> Response:
        actions.delete_note(current_scope(), kind, record_id, note_id)
        hx.flash("The note was deleted.")
        return hx.redirect(url_for(".show", record_id=record_id, _anchor="timeline"))
