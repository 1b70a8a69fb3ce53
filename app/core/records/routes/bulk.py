"""Many records at once."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, listing, pages, queries
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind
from app.core.records.routes.reading import counted, parse_context, read_listing, scope_may_delete
from app.core.scope import Scope


def add_bulk(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.post("/bulk")
    @requires(kind.permission("update"))
    def bulk() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        back = url_for(".list") + state.search_string()
        try:
            form = forms.read_bulk(request.form, request.form.getlist("ids"), kind, parse_context(scope))
            chosen = actions.select_records(scope, kind, form.ids, state if form.everything else None)
            if form.action == "delete" and not form.confirmed:
                return _confirm_bulk_delete(scope, kind, chosen, state)
            _run_bulk(scope, kind, form, chosen)
        except Invalid as refused:
            hx.flash(" ".join(refused.errors.values()), "danger")
            return hx.done(back, close_dialog=False)
        return hx.done(back, changed=(kind.name,))


def _confirm_bulk_delete(
    scope: Scope, kind: RecordKind, chosen: actions.Selection, state: listing.ListRequest
) -> Response:
    scope_may_delete(scope, kind)
    action = url_for(".bulk") + state.search_string()
    records = queries.list_by_ids(scope, kind, chosen.ids[: pages.NAMED])
    page = pages.delete_page(scope, kind, records, action, ids=chosen.ids, spared=chosen.spared)
    return hx.page("records/delete.html", blocks=("dialog",), kind=kind, page=page)


def _run_bulk(scope: Scope, kind: RecordKind, form: forms.BulkForm, chosen: actions.Selection) -> None:
    """Does what was chosen and says how it went.

    Raises:
        Invalid: the action is none we know, or a rule refuses it.
    """
    ids, spared = chosen.ids, _spared(chosen)
    if form.action == "delete":
        scope_may_delete(scope, kind)
        deletion, count = actions.delete_records(scope, kind, ids)
        hx.flash(f"{counted(count, kind)} deleted.{spared}", undo_url=url_for(".undo_deletion", deletion_id=deletion))
    elif form.action == "move":
        moved, stayed = actions.bulk_move(scope, kind, ids, form.to, form.reason)
        kept = f" {stayed:,} stayed: their status does not allow that move." if stayed else ""
        hx.flash(f"{counted(moved, kind)} moved.{kept}{spared}")
    elif form.action in hooks_of(kind).bulk:
        hx.flash(hooks_of(kind).bulk[form.action].run(scope, ids) + spared)
    elif form.changes or form.add_tags or form.remove_tags:
        count = actions.bulk_update(
            scope, kind, ids, form.changes, add_tags=form.add_tags, remove_tags=form.remove_tags
        )
        hx.flash(f"{counted(count, kind)} changed.{spared}")
    else:
        raise Invalid({"": "Choose what to change first."})


def _spared(chosen: actions.Selection) -> str:
    """What was chosen and left out, if anything was."""
    if not chosen.spared:
        return ""
    return f" {chosen.spared:,} {'was' if chosen.spared == 1 else 'were'} left out: not yours to change."
