"""Saved views, and the sample records of a new tenant."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.routes.reading import counted, read_listing


def add_views(blueprint: Blueprint, kind: RecordKind) -> None:
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


def add_sample(blueprint: Blueprint, kind: RecordKind) -> None:
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
        hx.flash(f"{counted(count, kind)} added, each with the tag “{kind.sample_tag}”.")
        return hx.done(url_for(".list"), changed=(kind.name,))

    @blueprint.post("/samples/delete")
    @requires(kind.permission("delete"))
    def delete_samples() -> Response:
        scope = current_scope()
        ids = actions.select_records(scope, kind, (), pages.sample_listing(scope, kind)).ids
        deletion, count = actions.delete_records(scope, kind, ids)
        hx.flash(f"{counted(count, kind)} removed.", undo_url=url_for(".undo_deletion", deletion_id=deletion))
        return hx.done(url_for(".list"), changed=(kind.name,))
