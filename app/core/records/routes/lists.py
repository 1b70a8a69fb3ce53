"""The list, its exact count, and the page of one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from markupsafe import Markup

from app.core import cache, hx, kept, templating
from app.core.access import requires
from app.core.pipeline import current_scope
from app.core.records import actions, listing, pages, queries
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import reach_key
from app.core.records.routes.reading import read_listing
from app.core.scope import Scope

LIST_SECONDS = 300


def add_lists(blueprint: Blueprint, kind: RecordKind) -> None:
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
            f"count:{reach_key(scope, kind)}:{state.search_string()}",
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


@dataclass(frozen=True, slots=True)
class RecordShow:
    """A record's own page: its template, the blocks that can be asked for alone, and what it shows beyond the
    shared `page`."""

    template: str = "records/show.html"
    blocks: tuple[str, ...] = ("record_summary", "record_facts", "timeline", "timeline_items")
    more: Callable[[Scope, Record], dict[str, Any]] = lambda scope, record: {}


STANDARD = RecordShow()


def add_show(blueprint: Blueprint, kind: RecordKind, how: RecordShow) -> None:
    @blueprint.get("/<uuid:record_id>")
    @requires(kind.permission("read"))
    def show(record_id: UUID) -> Response:
        scope = current_scope()
        before = request.args.get("before", type=UUID)
        record = queries.get_record(scope, kind, record_id)
        page = pages.record_page(scope, kind, record, before=before)
        return hx.page(how.template, blocks=how.blocks, kind=kind, page=page, **how.more(scope, record))


def _cached_table(scope: Scope, kind: RecordKind, state: listing.ListRequest) -> dict[str, Any]:
    """The table's HTML and the list's count, kept per person until a record of the kind, or a person, changes."""
    address = state.search_string(cursor=request.args.get("cursor") if state.cursor else None)
    may = ",".join(sorted(scope.permissions))
    reader = f"{scope.user_id}:{may}:{reach_key(scope, kind)}:{scope.locale}:{scope.zone}"
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
