"""The pages of a record kind: list, record, dialogs, bulk, notes, saved views. One blueprint factory for all.

A view reads top to bottom as permission, form, one action or query, one answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from app.core import cache, hx, kept, people, templating
from app.core.access import register_kind, requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, listing, pages, queries
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind
from app.core.scope import Scope

LIST_SECONDS = 300


def record_blueprint(kind: RecordKind) -> Blueprint:
    """All pages every kind has, under ``/<plural>``; the kind's folder adds what is its own."""
    register_kind(kind.name)
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/{kind.plural}")
    for add in (_add_lists, _add_writing, _add_inline, _add_status, _add_notes, _add_bulk, _add_views, _add_sample):
        add(blueprint, kind)
    return blueprint


def parse_context(scope: Scope) -> ParseContext:
    return ParseContext(scope, people.ByAnyName(scope))


def read_listing(kind: RecordKind, scope: Scope) -> listing.ListRequest:
    """The list's state from this request's address."""
    return listing.read(kind, request.args.to_dict(flat=False), parse_context(scope))


def _add_lists(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/", endpoint="list")
    @requires(kind.permission("read"))
    def list_() -> Response:
        scope = current_scope()
        state = read_listing(kind, scope)
        table = _cached_table(scope, kind, state)
        return kept.page(
            "records/list.html",
            blocks=("records",),
            kinds=("user", actions.views_kind(kind)),
            key=f"{state.search_string()}:{table['count']}:{table['rows'] > 0}",
            context=lambda: {
                "kind": kind,
                "state": state,
                "table": table,
                "page": pages.list_page(scope, kind, state, _cached_views(scope, kind)),
            },
            holes={"table_html": Markup(table["html"])},  # noqa: S704 - our own template's output
        )

    @blueprint.get("/count")
    @requires(kind.permission("read"))
    def count() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        number = cache.get_or_make(
            scope.tenant_id,
            (kind.name,),
            f"count:{state.search_string()}",
            lambda: queries.count_records(scope, kind, state, exact=True).value,
            ttl=LIST_SECONDS,
        )
        capped = state.searches and number >= queries.SEARCH_CAP
        return hx.page(
            "records/count.html",
            blocks=("record_count",),
            kind=kind,
            state=state,
            count=queries.Count(number, capped),
        )

    @blueprint.get("/<uuid:record_id>")
    @requires(kind.permission("read"))
    def show(record_id: UUID) -> Response:
        scope = current_scope()
        before = request.args.get("before", type=UUID)
        record = queries.get_record(scope, kind, record_id)
        return hx.page(
            "records/show.html",
            blocks=("record_summary", "timeline", "timeline_items"),
            kind=kind,
            page=pages.record_page(scope, kind, record, before=before),
        )


def _read_edit(kind: RecordKind, scope: Scope) -> forms.RecordForm:
    """The whole record as edited, or the choices made after a conflict."""
    if forms.is_resolution(request.form):
        return forms.read_resolution(request.form, kind, parse_context(scope))
    return forms.read_record(request.form, kind.editable, parse_context(scope))


def _cached_table(scope: Scope, kind: RecordKind, state: listing.ListRequest) -> dict[str, Any]:
    """The table's HTML and the list's count, kept per person until a record of the kind, or a person, changes."""
    address = state.search_string(cursor=request.args.get("cursor") if state.cursor else None)
    reader = f"{scope.user_id}:{scope.role}:{scope.locale}:{scope.zone}"
    # What is wrong with the address is told above the table, and is not in what was understood of it.
    rest = f"table:{templating.build()}:{reader}:{request.script_root}:{address}:{state.problems}"

    def make() -> dict[str, Any]:
        table = pages.list_table(scope, kind, state, queries.list_records(scope, kind, state))
        html = hx.fragment("records/table.html", kind=kind, state=state, table=table)
        return {"html": html, "count": table.count.value, "rows": len(table.rows)}

    return cache.get_or_make(scope.tenant_id, (kind.name, "user"), rest, make, ttl=LIST_SECONDS)


def _cached_views(scope: Scope, kind: RecordKind) -> list[dict[str, Any]]:
    return cache.get_or_make(
        scope.tenant_id,
        (actions.views_kind(kind),),
        f"views:{scope.user_id}",
        lambda: [pages.view_tab(scope, kind, view) for view in queries.list_views(scope, kind)],
        ttl=LIST_SECONDS,
    )


def _add_writing(blueprint: Blueprint, kind: RecordKind) -> None:
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
        form = forms.read_record(request.form, kind.editable, parse_context(scope))
        if form.errors:
            return form_page(form, status=422)
        try:
            record_id = actions.create_record(scope, kind, form.values)
        except Invalid as refused:
            form.errors.update(refused.errors)
            return form_page(form, status=422)
        hx.flash(f"{kind.title(form.values)} was added.")
        return hx.done(url_for(".show", record_id=record_id), changed=(kind.name,))

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
        record = queries.get_record(scope, kind, record_id)
        return form_page(pages.filled_form(scope, kind, record), record_id=record_id)

    @blueprint.post("/<uuid:record_id>/edit")
    @requires(kind.permission("update"))
    def update(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        form = _read_edit(kind, scope)
        form.raw = pages.filled_form(scope, kind, record).raw | form.raw
        if form.errors:
            return form_page(form, record_id=record_id, status=422)
        try:
            actions.update_record(scope, kind, record_id, form.version, form.values)
        except Invalid as refused:
            form.errors.update(refused.errors)
            return form_page(form, record_id=record_id, status=422)
        except Conflict as conflict:
            page = pages.conflict_page(scope, kind, record, form, conflict, url_for(".update", record_id=record_id))
            return hx.page("records/conflict.html", blocks=("dialog",), status=409, kind=kind, page=page)
        hx.flash("Saved.")
        return hx.redirect(url_for(".show", record_id=record_id))

    @blueprint.get("/<uuid:record_id>/delete")
    @requires(kind.permission("delete"))
    def confirm_delete(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        page = pages.delete_page(scope, kind, [record], url_for(".delete", record_id=record_id))
        return hx.page("records/delete.html", blocks=("dialog",), kind=kind, page=page)

    @blueprint.post("/<uuid:record_id>/delete")
    @requires(kind.permission("delete"))
    def delete(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        title = kind.title(actions.values_of(kind, record))
        deletion, _ = actions.delete_records(scope, kind, [record_id])
        hx.flash(f"{title} was deleted.", undo_url=url_for(".undo_deletion", deletion_id=deletion))
        return hx.redirect(url_for(".list"))

    @blueprint.post("/deletions/<uuid:deletion_id>/undo")
    @requires(kind.permission("delete"))
    def undo_deletion(deletion_id: UUID) -> Response:
        restored = actions.undo_deletion(current_scope(), kind, deletion_id)
        hx.flash(f"{_number(restored, kind)} restored.")
        return hx.done(url_for(".list"), changed=(kind.name,))


def _add_inline(blueprint: Blueprint, kind: RecordKind) -> None:
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
        record = queries.get_record(scope, kind, record_id)
        return field_page(pages.field_page(scope, kind, record, pages.inline_field(kind, name), editing=True))

    @blueprint.post("/<uuid:record_id>/fields/<name>")
    @requires(kind.permission("update"))
    def update_field(record_id: UUID, name: str) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
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
        if not hx.is_fragment():
            return hx.redirect(url_for(".show", record_id=record_id))
        return hx.announce(field_page(pages.field_page(scope, kind, record, spec)), f"{kind.name}-changed")


def _add_status(blueprint: Blueprint, kind: RecordKind) -> None:
    if kind.lifecycle is None:
        return

    def move_page(
        record_id: UUID, form: forms.MoveForm, errors: Mapping[str, str] | None = None, *, status: int = 200
    ) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
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


def _add_notes(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.post("/<uuid:record_id>/notes")
    @requires(kind.permission("update"))
    def add_note(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
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


def _add_bulk(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.post("/bulk")
    @requires(kind.permission("update"))
    def bulk() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        back = url_for(".list") + state.search_string()
        try:
            form = forms.read_bulk(request.form, request.form.getlist("ids"), kind, parse_context(scope))
            ids = actions.select_records(scope, kind, form.ids, state if form.everything else None)
            if form.action == "delete" and not form.confirmed:
                return _confirm_bulk_delete(scope, kind, ids, state)
            _run_bulk(scope, kind, form, ids)
        except Invalid as refused:
            hx.flash(" ".join(refused.errors.values()), "danger")
            return hx.done(back, close_dialog=False)
        return hx.done(back, changed=(kind.name,))


def _confirm_bulk_delete(scope: Scope, kind: RecordKind, ids: Sequence[UUID], state: listing.ListRequest) -> Response:
    scope_may_delete(scope, kind)
    action = url_for(".bulk") + state.search_string()
    records = queries.list_by_ids(scope, kind, ids[: pages.NAMED])
    page = pages.delete_page(scope, kind, records, action, ids=ids)
    return hx.page("records/delete.html", blocks=("dialog",), kind=kind, page=page)


def _run_bulk(scope: Scope, kind: RecordKind, form: forms.BulkForm, ids: Sequence[UUID]) -> None:
    """Does what was chosen and says how it went.

    Raises:
        Invalid: the action is none we know, or a rule refuses it.
    """
    if form.action == "delete":
        scope_may_delete(scope, kind)
        deletion, count = actions.delete_records(scope, kind, ids)
        hx.flash(f"{_number(count, kind)} deleted.", undo_url=url_for(".undo_deletion", deletion_id=deletion))
    elif form.action == "move":
        moved, stayed = actions.bulk_move(scope, kind, ids, form.to, form.reason)
        kept = f" {stayed:,} stayed: their status does not allow that move." if stayed else ""
        hx.flash(f"{_number(moved, kind)} moved.{kept}")
    elif form.changes or form.add_tags or form.remove_tags:
        count = actions.bulk_update(
            scope, kind, ids, form.changes, add_tags=form.add_tags, remove_tags=form.remove_tags
        )
        hx.flash(f"{_number(count, kind)} changed.")
    else:
        raise Invalid({"": "Choose what to change first."})


def scope_may_delete(scope: Scope, kind: RecordKind) -> None:
    """Deleting in bulk needs the permission that deleting one does; raises Forbidden."""
    actions.require(scope, kind.permission("delete"))


def _add_views(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/views/new")
    @requires(kind.permission("read"))
    def new_view() -> Response:
        state = read_listing(kind, current_scope())
        choices = {"pinned": True, "shared": False}
        return hx.page(
            "records/view.html", blocks=("dialog",), kind=kind, state=state, name="", errors={}, choices=choices
        )

    @blueprint.post("/views")
    @requires(kind.permission("read"))
    def save_view() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        choices = {choice: choice in request.form for choice in ("shared", "pinned")}
        try:
            name = forms.read_view_name(request.form)
            view_id = actions.save_view(scope, kind, name, state.stored(), **choices)
        except Invalid as refused:
            context = {"state": state, "name": request.form.get("name", ""), "errors": refused.errors}
            return hx.page("records/view.html", blocks=("dialog",), status=422, kind=kind, choices=choices, **context)
        hx.flash(f"The view “{name}” was saved.")
        return hx.redirect(url_for(".list") + replace(state, view_id=view_id).search_string())

    @blueprint.post("/views/<uuid:view_id>/delete")
    @requires(kind.permission("read"))
    def delete_view(view_id: UUID) -> Response:
        actions.delete_view(current_scope(), kind, view_id)
        hx.flash("The view was deleted.")
        return hx.redirect(url_for(".list"))


def _add_sample(blueprint: Blueprint, kind: RecordKind) -> None:
    if kind.sample is None:
        return
    make = kind.sample

    @blueprint.get("/samples")
    @requires(kind.permission("import"))
    def show_samples() -> Response:
        scope = current_scope()
        present = queries.count_records(scope, kind, pages.sample_listing(scope, kind), exact=True)
        return hx.page("records/sample.html", blocks=("dialog",), kind=kind, present=present)

    @blueprint.post("/samples")
    @requires(kind.permission("import"))
    def add_samples() -> Response:
        count = make(current_scope())
        hx.flash(f"{_number(count, kind)} added, each with the tag “{kind.sample_tag}”.")
        return hx.done(url_for(".list"), changed=(kind.name,))

    @blueprint.post("/samples/delete")
    @requires(kind.permission("delete"))
    def delete_samples() -> Response:
        scope = current_scope()
        ids = actions.select_records(scope, kind, (), pages.sample_listing(scope, kind))
        deletion, count = actions.delete_records(scope, kind, ids)
        hx.flash(f"{_number(count, kind)} removed.", undo_url=url_for(".undo_deletion", deletion_id=deletion))
        return hx.done(url_for(".list"), changed=(kind.name,))


def _number(count: int, kind: RecordKind) -> str:
    return f"{count:,} {(kind.label if count == 1 else kind.label_plural).lower()}"
