"""A board: its columns, their cards, and where each card may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import people
from app.core.errors import NotFound
from app.core.records import queries
from app.core.records.fields import Choice
from app.core.records.kind import Board, RecordKind
from app.core.records.listing import Cursor, ListRequest
from app.core.records.presenting import Cell, Reason, present_cell, present_urgency
from app.core.records.queries import BoardColumn, Count
from app.core.records.reach import may_change
from app.core.scope import Scope


@dataclass(frozen=True, slots=True)
class Card:
    """One record on the board. `moves` are the columns it may go to: (value, label, whether a reason is asked);
    none for who may not change it."""

    id: UUID
    title: str
    version: int
    owner: str
    facts: tuple[Cell, ...]
    moves: tuple[tuple[str, str, bool], ...]
    movable: bool
    urgency: Reason | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `list` is the part of the address of a list of the same records, `more` the cursor of further cards."""

    value: str
    label: str
    tone: str
    count: Count
    cards: tuple[Card, ...]
    list: str
    more: str | None


@dataclass(frozen=True, slots=True)
class BoardPage:
    """`by` makes the columns."""

    columns: tuple[Column, ...]
    by: str
    notices: tuple[str, ...] = ()


def board_page(scope: Scope, kind: RecordKind, state: ListRequest) -> BoardPage:
    """The board of a list's state: a filter by what makes the columns leaves the others out."""
    by = board_field(kind, state)
    columns = queries.list_board(scope, kind, state, by, _values(kind, state, by))
    return BoardPage(
        columns=tuple(_columns(scope, kind, state, by, columns)),
        by=by,
        notices=state.problems,
    )


def board_column(scope: Scope, kind: RecordKind, state: ListRequest, value: str, after: Cursor) -> Column:
    """More cards of one column.

    Raises:
        NotFound: the board has no such column.
    """
    by = board_field(kind, state)
    if value not in _values(kind, state, by):
        raise NotFound("The board has no such column.")
    place = (str(after.value), after.id)
    columns = queries.list_board(scope, kind, state, by, [value], after=place)
    return _columns(scope, kind, state, by, columns)[0]


def board_field(kind: RecordKind, state: ListRequest) -> str:
    return state.by or _board(kind).columns[0]


def _board(kind: RecordKind) -> Board:
    if kind.board is None:
        raise NotFound(f"{kind.label_plural} have no board.")
    return kind.board


def _values(kind: RecordKind, state: ListRequest, by: str) -> list[str]:
    """The columns: every choice of the field that the filters leave."""
    wanted = [set(item.value) for item in state.conditions if item.field == by and item.operator == "in"]
    return [value for value, _, _ in _choices(kind, by).options if all(value in some for some in wanted)]


def _choices(kind: RecordKind, by: str) -> Choice:
    choices = kind.field(by).type
    assert isinstance(choices, Choice), f"{by} makes no columns"
    return choices


def _columns(
    scope: Scope, kind: RecordKind, state: ListRequest, by: str, columns: Sequence[BoardColumn]
) -> list[Column]:
    names, choices = people.names_of(scope), _choices(kind, by)
    return [
        Column(
            value=column.value,
            label=choices.label(column.value),
            tone=choices.tone(column.value),
            count=column.count,
            cards=tuple(_card(scope, kind, by, row, names) for row in column.rows),
            list=state.search_string(by=None, **{by: column.value}),
            more=Cursor(*column.more).encode() if column.more else None,
        )
        for column in columns
    ]


def _card(scope: Scope, kind: RecordKind, by: str, row: Mapping[str, Any], names: Mapping[UUID, str]) -> Card:
    movable = scope.may(kind.permission("update")) and may_change(scope, kind, row["owner_id"])
    facts = (present_cell(scope, kind.field(name), row[name], row, names) for name in _board(kind).facts)
    return Card(
        id=row["id"],
        title=kind.title(row),
        version=row["version"],
        owner=names.get(row["owner_id"], "Someone who left") if row["owner_id"] else "",
        facts=tuple(cell for cell in facts if cell.kind != "empty"),
        moves=_moves(kind, by, row[by]) if movable else (),
        movable=movable,
        urgency=present_urgency(scope, kind, row),
    )


def _moves(kind: RecordKind, by: str, value: str) -> tuple[tuple[str, str, bool], ...]:
    choices, lifecycle = _choices(kind, by), kind.lifecycle
    if lifecycle and lifecycle.field == by:
        return tuple((to, choices.label(to), to in lifecycle.reasoned) for to in lifecycle.moves.get(value, ()))
    return tuple((to, label, False) for to, label, _ in choices.options if to != value)
