"""A list: its pages, its count, everything it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from app.core.records.kind import RecordKind
from app.core.records.listing import Cursor, Filter, ListRequest
from app.core.records.models import Record
from app.core.records.queries.rows import changeable, visible
from app.core.records.reach import owners_seen
from app.core.records.text import prefix_query
from app.core.scope import Scope
from app.extensions import db

COUNT_CAP = 1_000
SEARCH_CAP = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a list has; `capped` means at least so many."""

    value: int
    capped: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: rows as mappings of column to value, and the cursors of its neighbours."""

    rows: tuple[Mapping[str, Any], ...]
    next: Cursor | None
    previous: Cursor | None
    count: Count
    notices: tuple[str, ...] = ()


def list_records(scope: Scope, kind: RecordKind, request: ListRequest) -> ListPage:
    """One page by keyset: the same work for page 2,500 as for page 1."""
    backwards = request.cursor is not None and request.cursor.backwards
    query = _page_query(scope, kind, request).limit(request.limit + 1)
    found = [dict(row._mapping) for row in db.session.execute(query)]
    more, rows = len(found) > request.limit, found[: request.limit]
    if backwards:
        rows.reverse()
    return ListPage(
        rows=tuple(rows),
        next=_cursor(request, rows[-1]) if rows and (more or backwards) else None,
        previous=_cursor(request, rows[0], backwards=True)
        if rows and request.cursor is not None and (more or not backwards)
        else None,
        count=count_records(scope, kind, request),
        notices=request.problems,
    )


def list_next(
    scope: Scope, kind: RecordKind, request: ListRequest, *, after: Cursor | None, besides: UUID | None
) -> list[UUID]:
    """The records of the list behind a place in it, then those from its top, as many as a page has."""
    found: list[UUID] = []
    for cursor in (after, None) if after else (None,):
        query = _page_query(scope, kind, replace(request, cursor=cursor)).limit(request.limit + 1)
        found += [row.id for row in db.session.execute(query) if row.id != besides]
    return list(dict.fromkeys(found))[: request.limit]


def cursor_of(request: ListRequest, record: Record) -> Cursor:
    """Where the record stands in the list's order, or would."""
    return _cursor(request, {name: getattr(record, name) for name in (request.sort.column, "id")})


def count_records(scope: Scope, kind: RecordKind, request: ListRequest, *, exact: bool = False) -> Count:
    """How many rows the list has: exact, or up to a thousand, which costs the same at any size."""
    value = db.session.execute(count_query(scope, kind, request, exact=exact)).scalar_one()
    limit = _count_limit(request, exact=exact)
    return Count(value) if limit is None or value < limit else Count(limit - 1, capped=True)


def count_query(scope: Scope, kind: RecordKind, request: ListRequest, *, exact: bool = False) -> Select[Any]:
    """Counts the list's rows, looking at one more than is ever told."""
    limit = _count_limit(request, exact=exact)
    if request.searches and not request.conditions:
        return select(func.count()).select_from(_matches(scope, kind, request, limit or SEARCH_CAP + 1))
    rows = select(literal(1)).select_from(kind.model).where(*list_conditions(scope, kind, request)).limit(limit)
    return select(func.count()).select_from(rows.subquery())


def _count_limit(request: ListRequest, *, exact: bool) -> int | None:
    """How many rows are counted at most: a search's matches are never counted further than they are looked at."""
    if not exact:
        return COUNT_CAP + 1
    return SEARCH_CAP + 1 if request.searches and not request.conditions else None


def count_states(scope: Scope, kind: RecordKind, states: Mapping[str, ListRequest]) -> dict[str, Count]:
    """How many rows each of these lists has, in one statement: each up to a thousand, as its list says it."""
    if not states:
        return {}
    counts = [count_query(scope, kind, state).scalar_subquery().label(name) for name, state in states.items()]
    row = db.session.execute(select(*counts)).one()._mapping
    limit = COUNT_CAP + 1
    return {name: Count(row[name]) if row[name] < limit else Count(COUNT_CAP, capped=True) for name in states}


def search_is_capped(scope: Scope, kind: RecordKind, request: ListRequest) -> bool:
    """Whether the search alone matches more than is looked at when filters or another order come with it."""
    matches = _matches(scope, kind, request, SEARCH_CAP + 1)
    return db.session.execute(select(func.count()).select_from(matches)).scalar_one() > SEARCH_CAP


def list_ids(scope: Scope, kind: RecordKind, request: ListRequest, limit: int, *, change: bool = False) -> list[UUID]:
    """The ids a list shows, over all of its pages, at most `limit`; with `change` only those the asker may change."""
    wanted = [*list_conditions(scope, kind, request), *(changeable(scope, kind) if change else ())]
    return list(db.session.scalars(select(kind.model.id).where(*wanted).limit(limit)))


def selection_query(scope: Scope, kind: RecordKind, request: ListRequest) -> Select[Any]:
    """All rows of the list in its order, for an export; the caller chooses the columns."""
    key = getattr(kind.model, request.sort.column)
    order = (key.desc(), kind.model.id.desc()) if request.sort.descending else (key, kind.model.id)
    return select(kind.model).where(*list_conditions(scope, kind, request)).order_by(*dict.fromkeys(order))


def _page_query(scope: Scope, kind: RecordKind, request: ListRequest) -> Select[Any]:
    model, sort, cursor = kind.model, request.sort, request.cursor
    backwards = cursor is not None and cursor.backwards
    descending = sort.descending is not backwards
    keys = [model.id] if sort.column == "id" else [getattr(model, sort.column), model.id]
    query = select(*list_columns(kind, *request.columns, request.sort.column))
    matches = list_conditions(scope, kind, request, page=True)
    if cursor is not None:
        here = tuple_(*keys) if len(keys) > 1 else keys[0]
        there = tuple_(literal(cursor.value), literal(cursor.id)) if len(keys) > 1 else literal(cursor.id)
        matches.append(here < there if descending else here > there)
    return query.where(*matches).order_by(*(key.desc() if descending else key for key in keys))


def list_columns(kind: RecordKind, *columns: str) -> list[Any]:
    """Just these columns, and what a row needs beside them: its title, status, and the currencies of amounts."""
    names = ["id", "version", *kind.title_fields, *kind.urgency_fields, *columns]
    if kind.lifecycle:
        names.append(kind.lifecycle.field)
    names += [currency for amount, currency in kind.currency_of.items() if amount in names]
    return [getattr(kind.model, name) for name in dict.fromkeys(names)]


def _cursor(request: ListRequest, row: Mapping[str, Any], *, backwards: bool = False) -> Cursor:
    value = row[request.sort.column]
    return Cursor(value if isinstance(value, int | datetime) else str(value), row["id"], backwards)


def list_conditions(
    scope: Scope, kind: RecordKind, request: ListRequest, *, page: bool = False
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [kind.model.deleted_at.is_(None), *visible(scope, kind)]
    if request.searches:
        matches = _matches(scope, kind, request, SEARCH_CAP, page=page)
        conditions.append(kind.model.id.in_(select(matches.c.id)))
    return conditions + [_condition(scope, kind, item) for item in request.conditions]


def _matches(scope: Scope, kind: RecordKind, request: ListRequest, limit: int, *, page: bool = False) -> Any:
    """The newest matches of the search among what the asker sees, by the kind's definer function.

    When nothing but the search chooses the rows of a newest-first page, the function is told where the page
    begins and finds just that page, however many matches there are.
    """
    cursor = request.cursor
    alone = page and not request.conditions and request.sort.column == "id" and not (cursor and cursor.backwards)
    before = cursor.id if alone and cursor else None
    query = prefix_query(request.query, request.tags)
    search = getattr(func, f"search_{kind.plural}")
    owners = owners_seen(scope, kind)
    among = literal(None if owners is None else sorted(owners), ARRAY(Uuid))
    call = search(literal(query, Text), literal(before, Uuid), among, request.limit + 1 if alone else limit)
    return select(call.table_valued(column("id", Uuid)).render_derived().c.id).subquery("matches")


def _condition(scope: Scope, kind: RecordKind, item: Filter) -> ColumnElement[bool]:
    if item.operator == "holds":
        return next(facet.holds(scope, item.value) for facet in kind.facets if facet.spec.name == item.field)
    stored: Any = getattr(kind.model, item.field)
    match item.operator:
        case "in":
            return _is_one_of(stored, item.value)
        case "is":
            return stored.is_(item.value)
        case "min" | "from":
            return stored >= item.value
        case "max":
            return stored <= item.value
        case _:
            return stored < _end_of(scope, item.value) if isinstance(item.value, datetime) else stored <= item.value


def _is_one_of(stored: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """One of these, or empty. The values stand in the statement itself, as owners do in `is_owned_by`: an index of
    some statuses only is used for a query that names them."""
    known = [value for value in values if value is not None]
    if not known and values:
        return stored.is_(None)
    if len(known) == 1:
        chosen = stored == bindparam(None, known[0], stored.type, literal_execute=True)
    else:
        chosen = stored.in_(bindparam(None, known, stored.type, expanding=True, literal_execute=True))
    return or_(chosen, stored.is_(None)) if None in values else chosen


def _end_of(scope: Scope, moment: datetime) -> datetime:
    """Until a date means through the end of the asker's day; until an instant means that instant."""
    local = moment.astimezone(scope.zone_info)
    return local + timedelta(days=1) if local.time() == time() else moment
