"""A record's place on the board: its column, and its place in the order the team shares.

Two people may drag at once. Who places takes the order's lock first and the record's second, so that no two make
the same key; a column that somebody else changed meanwhile is refused with who did, an order is never: both stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core import cache, live
from app.core.db import after_commit
from app.core.errors import Conflict, Invalid, NotFound
from app.core.records import queries, ranks
from app.core.records.actions.writing import move_record, update_record
from app.core.records.fields import Choice
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.queries import board
from app.core.scope import Scope
from app.extensions import db

_AROUND = (50, 400, 3_200)


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a record is to stand: in the column `to` of `field`, below `after`, else above `before`, else on top.

    The two are the cards it was dropped between; other people's may have come between them since.
    """

    field: str
    to: str
    version: int
    after: UUID | None = None
    before: UUID | None = None
    reason: str = ""


def place_record(scope: Scope, kind: RecordKind, record_id: UUID, placing: Placing) -> Record:
    """Puts the record into its column, by the kind's lifecycle if that is the field, and into its place there.

    The order is nobody's content: it changes no version and makes no event.

    Raises:
        NotFound, Forbidden: as `update_record`; or the kind has no such board.
        Invalid: the column is none, the lifecycle does not allow the move, or a reason is needed.
        Conflict: somebody put it into another column since; the message says who and which.
    """
    assert kind.board is not None
    _lock_order(scope, kind)
    queries.get_record(scope, kind, record_id, lock=True, change=True)
    if placing.field not in kind.board.columns:
        raise NotFound(f"{kind.label_plural} have no such board.")
    record = _into_column(scope, kind, record_id, placing)
    rank = _rank(kind, record, placing)
    if rank is not None and rank != _stored(record):
        record.board_rank = rank  # type: ignore[attr-defined]
        db.session.flush()
        _tell(scope, kind)
    return record


def _tell(scope: Scope, kind: RecordKind) -> None:
    """Lists and boards ask again; a record's own page does not show its place."""
    after_commit(lambda: cache.bump(scope.tenant_id, kind.name), key=("bump", kind.name))
    live.tell(scope.tenant_id, kind.name)


def _into_column(scope: Scope, kind: RecordKind, record_id: UUID, placing: Placing) -> Record:
    options = kind.field(placing.field).type
    assert isinstance(options, Choice)
    if all(placing.to != value for value, _, _ in options.options):
        raise Invalid({"to": "There is no such column."})
    try:
        if kind.lifecycle and kind.lifecycle.field == placing.field:
            return move_record(scope, kind, record_id, placing.version, placing.to, placing.reason)
        return update_record(scope, kind, record_id, placing.version, {placing.field: placing.to})
    except Conflict as conflict:
        raise Conflict(_who_was_first(kind, options, record_id, placing, conflict), by=conflict.by) from conflict


def _who_was_first(kind: RecordKind, options: Choice, record_id: UUID, placing: Placing, conflict: Conflict) -> str:
    there = options.label(conflict.theirs.get(placing.field))
    last = board.latest_move(kind, record_id)
    by = last.actor_name if last else conflict.by or "Someone"
    return f"{by} moved this {kind.label.lower()} to {there} before you. It was left there."


def _lock_order(scope: Scope, kind: RecordKind) -> None:
    """One at a time places a record of a kind in a tenant, until the transaction ends."""
    name = f"board:{scope.tenant_id}:{kind.name}"
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _rank(kind: RecordKind, record: Record, placing: Placing) -> str | None:
    """The key of the place asked for; None if any place is as good, as the column holds nothing else."""
    for size in (*_AROUND, 0):
        anchor = _anchor(kind, record, placing)
        if anchor is None:
            return None
        (rank, beside), below = anchor
        limit = board.find_rank_beside(kind, (rank, beside), below=below, besides=record.id)
        lower, upper = (rank, limit) if below else (limit, rank)
        own = _stored(record)
        if (lower is None or lower < own) and (upper is None or own < upper):
            return own
        if (key := ranks.between(lower, upper)) is not None:
            return key
        if size:
            _respread(kind, (rank, beside), size, besides=record.id)
    return None


def _anchor(kind: RecordKind, record: Record, placing: Placing) -> tuple[tuple[str, UUID], bool] | None:
    """The place beside which the record goes, and whether below it: a card that left the column is none any more."""
    column = (placing.field, placing.to)
    for beside, below in ((placing.after, True), (placing.before, False)):
        if beside is not None and beside != record.id and (rank := board.rank_of(kind, beside, among=column)):
            return (rank, beside), below
    top = board.find_first_in(kind, *column, beside=record.id)
    rank = board.rank_of(kind, top, among=column) if top else None
    return ((rank, top), False) if top and rank else None


def _respread(kind: RecordKind, place: tuple[str, UUID], size: int, *, besides: UUID) -> None:
    """Gives the records around a place short keys again, in the order they have."""
    rows = [row for row in board.list_around(kind, place, size) if row.id != besides]
    if not rows:
        return
    first, last = rows[0], rows[-1]
    lower = board.find_rank_beside(kind, (first.board_rank, first.id), below=False, besides=besides)
    upper = board.find_rank_beside(kind, (last.board_rank, last.id), below=True, besides=besides)
    keys = ranks.spread(lower, upper, len(rows))
    if keys is not None:
        _write(kind, [row.id for row in rows], keys)


def _write(kind: RecordKind, ids: Sequence[UUID], keys: Sequence[str]) -> None:
    wanted = dict(zip(ids, keys, strict=True))
    for record in board.locked_records(kind, ids):
        record.board_rank = wanted[record.id]  # type: ignore[attr-defined]
    db.session.flush()


def _stored(record: Record) -> Any:
    return record.board_rank  # type: ignore[attr-defined]
