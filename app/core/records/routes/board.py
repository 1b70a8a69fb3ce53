"""The board: the list's records as cards in columns, dragged or moved by keys, in an order the team shares."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from app.core import cache, hx, kept, templating
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.records import actions, forms, listing, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.reach import reach_key
from app.core.records.routes.lists import LIST_SECONDS, cached_views, queue_tabs
from app.core.records.routes.reading import read_listing
from app.core.scope import Scope


def add_board(blueprint: Blueprint, kind: RecordKind) -> None:
    if kind.board is None:
        return

    @blueprint.get("/board")
    @requires(kind.permission("read"))
    def show_board() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope, landing=True), cursor=None)
        after = listing.Cursor.decode(request.args.get("after", ""))
        if after is not None and hx.answered_block(("board_more",)):
            column = pages.board_column(scope, kind, state, request.args.get("column", ""), after)
            return hx.page("records/board_column.html", blocks=("board_more",), kind=kind, state=state, column=column)
        return kept.page(
            "records/board.html",
            blocks=("board",),
            kinds=("user", actions.views_kind(kind)),
            key=state.cache_key(),
            context=lambda: {
                "here": ".show_board",
                "part": "board",
                "kind": kind,
                "state": state,
                "by": pages.board_field(kind, state),
                "page": pages.list_page(scope, kind, state, cached_views(scope, kind)),
            },
            holes={
                "columns_html": Markup(_cached_columns(scope, kind, state)),  # noqa: S704 - our own template's output
                "queues_html": queue_tabs(scope, kind, state, ".show_board"),
            },
        )

    @blueprint.post("/<uuid:record_id>/place")
    @requires(kind.permission("update"))
    def place(record_id: UUID) -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        back = url_for(".show_board") + state.search_string()
        form = forms.read_place(request.values, kind)
        placing = actions.Placing(
            form.by, form.move.to, form.move.version, form.after, form.before, reason=form.move.reason
        )
        try:
            record = actions.place_record(scope, kind, record_id, placing)
        except Invalid as refused:
            if "reason" in refused.errors:
                return _ask_reason(kind, record_id, form, refused)
            return _refused(str(refused), refused.status, back)
        except Conflict as conflict:
            return _refused(conflict.message, conflict.status, back)
        placed = {"id": str(record.id), "version": record.version}
        return hx.done(back, changed=(kind.name,), told={"fairlead:placed": placed})


def _ask_reason(kind: RecordKind, record_id: UUID, form: forms.PlaceForm, refused: Invalid) -> Response:
    scope = current_scope()
    record = queries.get_record(scope, kind, record_id, change=True)
    action = request.full_path.removesuffix("?")
    page = pages.move_page(
        scope, kind, record, form.move, refused.errors, action=request.script_root + action, fields=form.fields
    )
    return hx.page("records/move.html", blocks=("dialog",), status=422, kind=kind, page=page)


def _refused(why: str, status: int, back: str) -> Response:
    """Nothing was moved: with script the board takes its card back and shows why, without it both are on the page."""
    if hx.is_fragment():
        return hx.error_toast(why, status)
    hx.flash(why, "danger")
    return hx.redirect(back)


def _cached_columns(scope: Scope, kind: RecordKind, state: listing.ListRequest) -> str:
    """The columns' HTML, kept per person until a record of the kind, or a person, changes."""
    may = ",".join(sorted(scope.permissions))
    reader = f"{scope.user_id}:{may}:{reach_key(scope, kind)}:{scope.locale}:{scope.zone}"
    rest = f"board:{templating.build()}:{reader}:{request.script_root}:{state.cache_key()}:{state.problems}"

    def make() -> str:
        page = pages.board_page(scope, kind, state)
        return hx.fragment("records/columns.html", kind=kind, state=state, page=page)

    return cache.get_or_make(scope.tenant_id, (kind.name, *kind.cached_with), rest, make, ttl=LIST_SECONDS)
