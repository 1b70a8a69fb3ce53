"""The list, its exact count, and the page of one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from app.core import cache, hx, kept, templating
from app.core.access import requires
from app.core.live import presence
from app.core.live.topics import rights_of
from app.core.pipeline import current_scope
from app.core.records import actions, listing, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import reach_key
from app.core.records.routes.reading import parse_context, read_listing
from app.core.scope import Scope

LIST_SECONDS = 300


def add_lists(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/", endpoint="list")
    @requires(kind.permission("read"))
    def list_() -> Response:
        scope = current_scope()
        state = read_listing(kind, scope, landing=True)
        table = _cached_table(scope, kind, state)
        return kept.page(
            "records/list.html",
            blocks=("records",),
            kinds=(*kind.cached_with, actions.views_kind(kind)),
            key=f"{state.cache_key()}:{table['count']}:{table['rows'] > 0}",
            context=lambda: {
                "here": ".list",
                "part": "records",
                "kind": kind,
                "state": state,
                "table": table,
                "page": pages.list_page(scope, kind, state, cached_views(scope, kind)),
            },
            holes={
                "table_html": Markup(table["html"]),  # noqa: S704 - our own template's output
                "queues_html": queue_tabs(scope, kind, state, ".list"),
            },
        )

    if kind.queues:
        _add_next(blueprint, kind)

    @blueprint.get("/queues")
    @requires(kind.permission("read"))
    def list_queues() -> Response:
        """The tabs with their counts, asked for anew when a record changes."""
        scope = current_scope()
        board = kind.board is not None and request.args.get("shown") == "board"
        state = replace(read_listing(kind, scope), cursor=None)
        tabs = queue_tabs(scope, kind, state, ".show_board" if board else ".list")
        return hx.page("records/queues.html", blocks=("queues",), kind=kind, queues_html=tabs)

    @blueprint.get("/count")
    @requires(kind.permission("read"))
    def count() -> Response:
        scope = current_scope()
        state = replace(read_listing(kind, scope), cursor=None)
        number = cache.get_or_make(
            scope.tenant_id,
            (kind.name,),
            f"count:{reach_key(scope, kind)}:{state.cache_key()}",
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


def _add_next(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/next")
    @requires(kind.permission("read"))
    def open_next() -> Response:
        """To the record after the one just looked at, in the order of the list it was opened from; rather to one
        that nobody else is at."""
        scope = current_scope()
        state = read_listing(kind, scope, landing=True)
        besides = request.args.get("besides", type=UUID)
        nearest = queries.list_next(scope, kind, state, after=state.cursor, besides=besides)
        found = next((one for one in nearest if not _is_taken(scope, kind, one)), nearest[0] if nearest else None)
        address = replace(state, cursor=None).search_string()
        if found is None:
            where = f" in “{state.queue.label}”" if state.queue else ""
            hx.flash(f"That was the last one{where}.", "info")
            return hx.redirect(url_for(".list") + address)
        return hx.redirect(url_for(".show", record_id=found) + address)


def _is_taken(scope: Scope, kind: RecordKind, record_id: UUID) -> bool:
    return bool(presence.list_present(scope.tenant_id, kind.name, record_id, scope.user_id))


@dataclass(frozen=True, slots=True)
class Way:
    """Where a record was come to from, and where it goes on from there: the list it was opened from, as addresses."""

    back: str
    label: str
    onward: str


def way_of(scope: Scope, kind: RecordKind, record: Record) -> Way:
    """The list in this request's address, and the record after this one in it."""
    state = replace(read_listing(kind, scope, landing=True), cursor=None)
    back = url_for(".list") + state.search_string()
    if not kind.queues:
        return Way(back, kind.label_plural, "")
    cursor = queries.cursor_of(state, record).encode()
    onward = url_for(".open_next") + state.search_string(cursor=cursor, besides=record.id)
    return Way(back, state.queue.label if state.queue else kind.label_plural, onward)


@dataclass(frozen=True, slots=True)
class RecordShow:
    """A record's own page: its template, the blocks that can be asked for alone, and what it shows beyond the
    shared `page`."""

    template: str = "records/show.html"
    blocks: tuple[str, ...] = ("record_title", "record_summary", "record_facts", "timeline", "timeline_items")
    more: Callable[[Scope, Record], dict[str, Any]] = lambda scope, record: {}


STANDARD = RecordShow()


def add_show(blueprint: Blueprint, kind: RecordKind, how: RecordShow) -> None:
    @blueprint.get("/<uuid:record_id>")
    @requires(kind.permission("read"))
    def show(record_id: UUID) -> Response:
        scope = current_scope()
        before = request.args.get("before", type=UUID)
        record = queries.get_record(scope, kind, record_id)
        page = pages.record_page(scope, kind, record, before=before, timeline="timeline" in how.blocks)
        way = way_of(scope, kind, record)
        return hx.page(how.template, blocks=how.blocks, kind=kind, page=page, way=way, **how.more(scope, record))


def _cached_table(scope: Scope, kind: RecordKind, state: listing.ListRequest) -> dict[str, Any]:
    """The table's HTML and the list's count, kept per person until a record of the kind, or a person, changes."""
    address = state.search_string(cursor=request.args.get("cursor") if state.cursor else None)
    # What is wrong with the address is told above the table, and is not in what was understood of it.
    rest = f"table:{_reader(scope, kind)}:{address}:{state.basis}:{state.problems}"

    def make() -> dict[str, Any]:
        table = pages.list_table(scope, kind, state, queries.list_records(scope, kind, state))
        html = hx.fragment("records/table.html", kind=kind, state=state, table=table)
        return {"html": html, "count": table.count.value, "rows": len(table.rows)}

    return cache.get_or_make(scope.tenant_id, (kind.name, *kind.cached_with), rest, make, ttl=LIST_SECONDS)


def _reader(scope: Scope, kind: RecordKind) -> str:
    """What tells a list drawn for this person from one drawn for others, at another address, or by another release."""
    shown = f"{scope.locale}:{scope.zone}:{request.script_root}:{templating.build()}"
    return f"{scope.user_id}:{rights_of(scope)}:{reach_key(scope, kind)}:{shown}"


def cached_views(scope: Scope, kind: RecordKind) -> list[dict[str, Any]]:
    return cache.get_or_make(
        scope.tenant_id,
        (actions.views_kind(kind),),
        f"views:{scope.user_id}",
        lambda: [pages.view_tab(scope, kind, view) for view in queries.list_views(scope, kind)],
        ttl=LIST_SECONDS,
    )


def queue_tabs(scope: Scope, kind: RecordKind, state: listing.ListRequest, here: str) -> Markup:
    """The views above a list or board as HTML, each with its count; kept until a record or a view changes."""
    views = cached_views(scope, kind)
    lists = pages.counted_lists(kind, views)
    kinds = (kind.name, "user", actions.views_kind(kind))
    whose = f"{scope.user_id}:{reach_key(scope, kind)}:{listing.basis_of(kind, scope, *lists.values())}"

    def count() -> dict[str, list[Any]]:
        """One statement for all, the same above every list."""
        context = parse_context(scope)
        states = {name: listing.read(kind, args, context) for name, args in lists.items()}
        return {name: [one.value, one.capped] for name, one in queries.count_states(scope, kind, states).items()}

    def draw() -> str:
        found = cache.get_or_make(scope.tenant_id, kinds, f"queues:{whose}", count, ttl=LIST_SECONDS)
        tabs = pages.list_tabs(kind, state, {name: queries.Count(*one) for name, one in found.items()}, views)
        return hx.fragment("records/tabs.html", kind=kind, state=state, tabs=tabs, here=here)

    rest = f"tabs:{_reader(scope, kind)}:{whose}:{here}:{state.search_string()}"
    return Markup(cache.get_or_make(scope.tenant_id, kinds, rest, draw, ttl=LIST_SECONDS))  # noqa: S704 - our own template's output
