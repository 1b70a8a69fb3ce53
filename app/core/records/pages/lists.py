"""A list: its table, and what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from app.core import people
from app.core.people import Person
from app.core.records import queries
from app.core.records.fields import Field, Money, ParseContext
from app.core.records.hooks import BulkAction, hooks_of
from app.core.records.kind import RecordKind, Sort
from app.core.records.listing import Filter, ListRequest, read
from app.core.records.models import SavedView
from app.core.records.pages.inputs import FilterInput, none_option, options_of
from app.core.records.presenting import (
    Row,
    present_row,
)
from app.core.records.queries import Count, ListPage
from app.core.records.reach import may_assign, owners_changed
from app.core.scope import Scope

_COUNTED_VIEWS = 10


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; `sort` is the address's sort that a click asks for, `direction` the present one."""

    name: str
    label: str
    sort: str | None = None
    direction: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class ListTable:
    """What `records/table.html` prints; `next` and `previous` are query strings or None. `first`: the asker sees no
    record of this kind at all yet."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    next: str | None
    previous: str | None
    count: Count
    notices: tuple[str, ...]
    first: bool = False


@dataclass(frozen=True, slots=True)
class ListPageView:
    """What surrounds the table: saved views, filters with their choices, chips, column choices, bulk choices.

    `beside_filters` is what of the address the form of filters has no control for.
    """

    scope: Scope
    views: list[dict[str, Any]]
    filters: list[FilterInput]
    beside_filters: list[tuple[str, str]]
    chips: list[tuple[str, str, str]]
    column_choices: list[dict[str, Any]]
    sorts: tuple[Sort, ...]
    people: list[Person]
    statuses: tuple[tuple[str, str, str], ...]
    bulk_fields: list[Field]
    may_change: bool
    columns_by: tuple[tuple[str, str], ...] = ()
    bulk_actions: Mapping[str, BulkAction] = field(default_factory=dict)

    def chip_links(self, url: str) -> list[dict[str, str]]:
        return [{"label": label, "value": value, "remove_url": url + rest} for label, value, rest in self.chips]

    @property
    def status_choices(self) -> list[tuple[str, str]]:
        return [(value, label) for value, label, _ in self.statuses]

    def bulk_options(self, spec: Field) -> tuple[tuple[str, str], ...]:
        """What a field of many records can be set to, emptying it included."""
        options = options_of(self.scope, spec, self.people)
        return (*options, none_option(spec)) if options and not spec.required else options


def list_table(scope: Scope, kind: RecordKind, state: ListRequest, page: ListPage) -> ListTable:
    names = people.names_of(scope)
    notices = page.notices + _cap_notice(scope, kind, state, page)
    return ListTable(
        columns=tuple(_column(kind, state, name) for name in ("", *state.columns)),
        rows=tuple(present_row(scope, kind, row, state.columns, names) for row in page.rows),
        next=state.search_string(cursor=page.next.encode()) if page.next else None,
        previous=state.search_string(cursor=page.previous.encode()) if page.previous else None,
        count=page.count,
        notices=notices,
        first=not page.rows and not queries.count_records(scope, kind, read(kind, {}, ParseContext(scope))).value,
    )


def list_page(scope: Scope, kind: RecordKind, state: ListRequest, views: list[dict[str, Any]]) -> ListPageView:
    crowd = people.list_people(scope)
    lifecycle_type = kind.status_type
    filters = [
        replace(item, quick=spec.name in kind.quick_filters)
        for spec in kind.filterable
        for item in _filter_inputs(scope, kind, spec, state, crowd)
    ]
    return ListPageView(
        scope=scope,
        views=[view | {"active": view["id"] == str(state.view_id)} for view in views],
        filters=filters,
        beside_filters=_beside_filters(state, filters),
        chips=[_chip(kind.filter_field(item.field), item, crowd, state) for item in state.filters],
        column_choices=[
            {"key": spec.name, "label": spec.label, "shown": spec.name in state.columns} for spec in kind.listable
        ],
        sorts=kind.sorts,
        people=[person for person in crowd if person.active],
        statuses=lifecycle_type.options if lifecycle_type else (),
        bulk_fields=[kind.field(name) for name in kind.bulk_fields if name != "owner_id" or may_assign(scope, kind)],
        may_change=owners_changed(scope, kind) != frozenset(),
        columns_by=tuple((name, kind.field(name).label) for name in kind.board.columns) if kind.board else (),
        bulk_actions=hooks_of(kind).bulk,
    )


@dataclass(frozen=True, slots=True)
class Tab:
    """A view above the list; `search` is its address, `count` what is in it."""

    label: str
    search: str
    active: bool
    count: Count | None
    icon: str = ""


def counted_lists(kind: RecordKind, views: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """The addresses behind the tabs by name: the kind's queues, then the first ten saved views that are pinned."""
    queues = {queue.name: {"queue": [queue.name]} for queue in kind.queues if queue.shown}
    saved = [view for view in views if view["pinned"]][:_COUNTED_VIEWS]
    return queues | {view["id"]: _by_name(view["params"]) for view in saved}


def list_tabs(
    kind: RecordKind,
    state: ListRequest,
    counts: Mapping[str, Count],
    views: Sequence[Mapping[str, Any]],
) -> list[Tab]:
    """The tabs: everything (unless a queue is that), the queues, the pinned views and the one that is shown."""
    here = str(state.view_id) if state.view_id else state.queue.name if state.queue else ""
    tabs = [] if kind.queues and kind.queue("all") else [Tab("All", "", not here, None)]
    for queue in kind.queues:
        if queue.shown or queue.name == here:
            search = f"?queue={queue.name}"
            tabs.append(Tab(queue.label, search, queue.name == here, counts.get(queue.name), queue.icon))
    for view in views:
        if view["pinned"] or view["id"] == here:
            icon = "users" if view["shared"] else ""
            tabs.append(
                Tab(view["name"], f"?{urlencode(view['params'])}", view["id"] == here, counts.get(view["id"]), icon)
            )
    return tabs


def sample_listing(scope: Scope, kind: RecordKind) -> ListRequest:
    """The list of the kind's sample records: those with its sample tag."""
    return read(kind, {"tags": [kind.sample_tag]}, ParseContext(scope))


def view_tab(scope: Scope, kind: RecordKind, view: SavedView) -> dict[str, Any]:
    """A saved view as the list's tabs show it; `params` is its part of the address."""
    pairs = [(key, value) for key, values in view.query.items() for value in values]
    return {
        "id": str(view.id),
        "name": view.name,
        "shared": view.shared,
        "pinned": view.pinned,
        "own": view.owner_id == scope.user_id,
        "params": [*pairs, ("view", str(view.id))],
    }


def _by_name(params: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in params:
        found.setdefault(key, []).append(value)
    return found


def _column(kind: RecordKind, state: ListRequest, name: str) -> Column:
    """The title's column has no name; a column sorts if the kind has the sort its field names, then the other way."""
    spec = kind.field(name) if name else None
    label = spec.label if spec else kind.label
    numeric = spec is not None and isinstance(spec.type, Money)
    first = next((sort for sort in kind.sorts if sort.name == (spec.sort if spec else "name")), None)
    if first is None:
        return Column(name, label, numeric=numeric)
    back = (sort for sort in kind.sorts if sort.column == first.column and sort.descending is not first.descending)
    asked = next(back, first) if state.sort == first else first
    direction = "descending" if state.sort.descending else "ascending"
    shown = direction if state.sort.column == first.column else ""
    return Column(name, label, state.search_string(sort=asked.name), shown, numeric)


def _cap_notice(scope: Scope, kind: RecordKind, state: ListRequest, page: ListPage) -> tuple[str, ...]:
    narrowed = state.searches and (state.conditions or state.sort.column != "id")
    if not narrowed or len(page.rows) == 0:
        return ()
    found = queries.search_is_capped(scope, kind, state)
    if not found:
        return ()
    return (f"Very many match; only the {queries.SEARCH_CAP:,} newest matches are looked at. Narrow the search.",)


def _filter_inputs(
    scope: Scope, kind: RecordKind, spec: Field, state: ListRequest, crowd: Sequence[Person]
) -> list[FilterInput]:
    chosen: dict[str, list[str]] = {}
    for item in state.filters:
        if item.field == spec.name:
            chosen.setdefault(item.key, []).extend(item.raw)
    words = {"min": "at least", "max": "at most", "from": "from", "to": "until"}
    inputs = []
    for operator in spec.type.operators:
        key = f"{spec.name}_{operator}" if operator in words else spec.name
        label = f"{spec.label} {words[operator]}" if operator in words else spec.label
        options = options_of(scope, spec, crowd) if operator != "is" else (("yes", "Yes"), ("no", "No"))
        if operator == "in" and not (kind.lifecycle and spec.name == kind.lifecycle.field):
            options = (*options, none_option(spec))
        inputs.append(FilterInput(key, label, spec.type.widget, options, tuple(chosen.get(key, ()))))
    return inputs


def _beside_filters(state: ListRequest, filters: Sequence[FilterInput]) -> list[tuple[str, str]]:
    """The address without what the controls show: a select shows the first of several values, the rest is kept."""
    rest = [(item.key, value) for item in filters if item.options for value in item.chosen[1:]]
    shown = {item.key for item in filters} | {"sort", "by"}
    return [pair for pair in state.params() if pair[0] not in shown] + rest


def _chip(spec: Field, item: Filter, crowd: Sequence[Person], state: ListRequest) -> tuple[str, str, str]:
    """An active filter: its field, what it asks for, and the address without it."""
    text = item.label
    if spec.type.widget == "person":
        names = {person.id: person.name for person in crowd}
        text = " or ".join(names.get(value, "someone") if value else "nobody" for value in item.value)
    return spec.label, text, state.without(item)
