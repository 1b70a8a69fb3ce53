"""A board: the cards of each column, how many there are, and who stands next to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, tuple_, union_all

from app.core.events import EventRow
from app.core.records.kind import RecordKind
from app.core.records.listing import ListRequest
from app.core.records.models import Ranked, Record
from app.core.records.queries.lists import COUNT_CAP, Count, list_columns, list_conditions
from app.core.records.queries.rows import locked
from app.core.scope import Scope
from app.extensions import db

CARDS = 20
"""How many cards a column shows at first, and how many more at a time."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """The first cards of a column (or those after some), the card `more` begin after, and how many there are."""

    value: str
    rows: tuple[Row, ...]
    count: Count
    more: tuple[str, UUID] | None


def list_board(
    scope: Scope,
    kind: RecordKind,
    request: ListRequest,
    field: str,
    values: Sequence[str],
    *,
    after: tuple[str, UUID] | None = None,
) -> list[BoardColumn]:
    """The columns of these values of a field, in the order the team shares: two statements, whatever their number.

    `after` (a place and id) is where the cards begin, for one column that is to show more.
    """
    if not values:
        return []
    counts = _count_columns(scope, kind, request, field, values)
    parts = [_column_query(scope, kind, request, field, value, after).subquery().select() for value in values]
    found: dict[str, list[Row]] = {value: [] for value in values}
    for row in db.session.execute(union_all(*parts)):
        found[row._mapping[field]].append(dict(row._mapping))
    return [_column(value, sorted(rows, key=_place), counts[value]) for value, rows in found.items()]


def _column(value: str, rows: list[Row], count: Count) -> BoardColumn:
    shown = rows[:CARDS]
    more = _place(shown[-1]) if len(rows) > CARDS else None
    return BoardColumn(value, tuple(shown), count, more)


def _place(row: Row) -> tuple[str, UUID]:
    return row["board_rank"], row["id"]


def _column_query(
    scope: Scope, kind: RecordKind, request: ListRequest, field: str, value: str, after: tuple[str, UUID] | None
) -> Select[Any]:
    model = _ranked(kind)
    assert kind.board is not None
    columns = list_columns(kind, field, "owner_id", *kind.board.facts, "board_rank")
    query = select(*columns).where(*list_conditions(scope, kind, request), getattr(model, field) == literal(value))
    if after is not None:
        query = query.where(tuple_(model.board_rank, model.id) > tuple_(literal(after[0]), literal(after[1])))
    return query.order_by(model.board_rank, model.id).limit(CARDS + 1)


def _count_columns(
    scope: Scope, kind: RecordKind, request: ListRequest, field: str, values: Sequence[str]
) -> dict[str, Count]:
    """How many cards each column has: exact up to a thousand, in one statement."""
    column = getattr(kind.model, field)
    parts = []
    for value in values:
        rows = select(literal(1)).select_from(kind.model)
        rows = rows.where(*list_conditions(scope, kind, request), column == literal(value)).limit(COUNT_CAP + 1)
        parts.append(select(literal(value).label("value"), func.count().label("rows")).select_from(rows.subquery()))
    found = {row.value: row.rows for row in db.session.execute(union_all(*parts))}
    return {
        value: Count(found[value]) if found[value] <= COUNT_CAP else Count(COUNT_CAP, capped=True) for value in values
    }


def rank_of(kind: RecordKind, record_id: UUID, *, among: tuple[str, str]) -> str | None:
    """The place of a live record that stands in this column (field and value); None if it does not."""
    model, (field, value) = _ranked(kind), among
    query = select(model.board_rank).where(model.id == record_id, model.deleted_at.is_(None))
    return db.session.scalars(query.where(getattr(model, field) == value)).one_or_none()


def find_first_in(kind: RecordKind, field: str, value: str, *, beside: UUID) -> UUID | None:
    """The topmost live record of a column but this one, whoever sees it."""
    model = _ranked(kind)
    query = select(model.id).where(model.deleted_at.is_(None), getattr(model, field) == value, model.id != beside)
    return db.session.scalars(query.order_by(model.board_rank, model.id).limit(1)).first()


def find_rank_beside(kind: RecordKind, place: tuple[str, UUID], *, below: bool, besides: UUID) -> str | None:
    """The place next to this one in the whole order, downwards or upwards, but for one record's own."""
    model = _ranked(kind)
    here, there = tuple_(model.board_rank, model.id), tuple_(literal(place[0]), literal(place[1]))
    query = select(model.board_rank).where(model.deleted_at.is_(None), model.id != besides)
    if below:
        query = query.where(here > there).order_by(model.board_rank, model.id)
    else:
        query = query.where(here < there).order_by(model.board_rank.desc(), model.id.desc())
    return db.session.scalars(query.limit(1)).first()


def list_around(kind: RecordKind, place: tuple[str, UUID], size: int) -> list[Any]:
    """Up to so many live records at and on either side of a place, in order: id and rank."""
    model = _ranked(kind)
    here, there = tuple_(model.board_rank, model.id), tuple_(literal(place[0]), literal(place[1]))
    query = select(model.id, model.board_rank).where(model.deleted_at.is_(None))
    above = query.where(here < there).order_by(model.board_rank.desc(), model.id.desc()).limit(size)
    below = query.where(here >= there).order_by(model.board_rank, model.id).limit(size)
    return [*reversed(db.session.execute(above).all()), *db.session.execute(below).all()]


def locked_records(kind: RecordKind, ids: Sequence[UUID]) -> list[Record]:
    """These live records, whoever's they are, locked in the order everybody locks in."""
    query = select(kind.model).where(kind.model.id.in_(ids), kind.model.deleted_at.is_(None))
    return list(db.session.scalars(locked(query.order_by(kind.model.id))))


def latest_move(kind: RecordKind, record_id: UUID) -> EventRow | None:
    """The last event that moved or changed the record."""
    types = (f"{kind.name}.moved", f"{kind.name}.changed")
    query = select(EventRow).where(EventRow.subject_id == record_id, EventRow.type.in_(types))
    return db.session.scalars(query.order_by(EventRow.id.desc()).limit(1)).first()


def _ranked(kind: RecordKind) -> Any:
    assert issubclass(kind.model, Ranked), f"{kind.label_plural} have no place on a board"
    return kind.model
