"""Imports at work: dry run, import and undo, chunk by chunk, so that a kill at any point costs one chunk.

Each chunk is one transaction: it locks the import, makes sure that it is still ours and stands where we
think, writes the records, says how far it came and prolongs the lease. Whoever takes over after a crash begins
at `next_row`: all rows before it are in, none after, so nothing is lost or doubled. Like the dispatcher, this
commits; nothing else may be open in the session.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, any_, delete, literal, select, text

from app.core import db as database
from app.core import people, storage
from app.core.clock import now
from app.core.db import after_commit
from app.core.errors import FairleadError
from app.core.events import publish, turn_over
from app.core.records.events import ImportChanged
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind, kind_named
from app.core.scope import Scope
from app.core.transfer import queries, writing
from app.core.transfer.models import (
    CANCELLED,
    CHECKED,
    CHECKING,
    FAILED,
    IMPORTED,
    RUNNING,
    UNDOING,
    UNDONE,
    Import,
    ImportChange,
    ImportProblem,
)
from app.core.transfer.parsing import Composer, Extras, RowParser
from app.core.transfer.planning import Draft, Plan, Planner, Problem
from app.core.transfer.reading import Row, TableFormat, UnreadableFile, read_rows
from app.core.transfer.seen import Seen
from app.extensions import db

log = logging.getLogger(__name__)

CHUNK = 4_000
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
_HEARTBEAT = timedelta(seconds=10)
# A table that grows by the million in minutes has no statistics yet: left to itself the planner reads all of it
# for each chunk. Looking up one key after the other in the index is right at any size.
_SETTINGS = text(
    "select set_config('statement_timeout', '20s', true), set_config('lock_timeout', '10s', true), "
    "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('enable_sort', 'off', true), "
    "set_config('jit', 'off', true)"
)


class LeaseLost(Exception):
    """Somebody else works on this import now, or it was stopped: leave it as it is."""


@dataclass(slots=True)
class Work:
    """One import in our hands: what is to be done, as it stood when we took it, and how far we are."""

    import_id: UUID
    worker: UUID
    state: str
    run: int
    next_row: int
    kind: RecordKind
    scope: Scope
    headers: list[str]
    mapping: list[str]
    duplicates: str
    format: TableFormat
    file_key: str
    day_first: bool
    extras: Extras


def run_import(scope: Scope, import_id: UUID, *, chunks: int | None = None) -> None:
    """Works on a running import until it is done, cancelled or failed, or another worker has it.

    Args:
        scope: the tenant; who asked and in which zone is read from the import.
        chunks: stop after so many, keeping the lease, as a killed worker would (for tests).
    """
    work: Work | None = None
    try:
        work = _take(scope, import_id)
        if work is not None:
            _work(work, chunks)
    except LeaseLost:
        database.rollback()
    except (UnreadableFile, FairleadError) as refused:
        database.rollback()
        if work is not None:
            _fail(work, refused.message)
    except Exception:
        database.rollback()
        log.exception("import_failed", extra={"import_id": str(import_id)})
        if work is not None:
            _let_go(work)


def _work(work: Work, chunks: int | None) -> None:
    if work.state == UNDOING:
        _undo(work, chunks)
        return
    planner = _planner(work)
    if work.state == CHECKING:
        _check(work, planner, chunks)
    else:
        _import(work, planner, chunks)


def _take(scope: Scope, import_id: UUID) -> Work | None:
    """Leases the import, or None if it does not run or another worker's lease still holds.

    Taking it three times without finishing a chunk means that it cannot be finished: then it fails.
    """
    at = now()
    query = select(Import).where(Import.id == import_id).with_for_update(skip_locked=True)
    row = db.session.scalars(query).one_or_none()
    if row is None or row.state not in RUNNING or (row.worker and row.lease_until and row.lease_until > at):
        database.rollback()
        return None
    if row.attempts >= MOST_ATTEMPTS:
        _finish(_scope_of(scope, row), row, FAILED, _stopped(row))
        database.commit()
        return None
    row.worker, row.lease_until, row.attempts = uuid4(), at + LEASE, row.attempts + 1
    if row.state == CHECKING:
        _begin_check(row)
    work = _work_of(scope, row)
    database.commit()
    return work


def _begin_check(row: Import) -> None:
    """A dry run that was interrupted begins again: what it had seen of the file died with its worker."""
    row.run, row.next_row = row.run + 1, 0
    row.checked_created = row.checked_updated = row.checked_skipped = row.checked_refused = 0


def _work_of(scope: Scope, row: Import) -> Work:
    return Work(
        import_id=row.id,
        worker=row.worker,  # type: ignore[arg-type]
        state=row.state,
        run=row.run,
        next_row=row.next_row,
        kind=kind_named(row.kind),
        scope=_scope_of(scope, row),
        headers=row.headers,
        mapping=[row.mapping.get(str(index), "") for index in range(len(row.headers))],
        duplicates=row.duplicates,
        format=TableFormat.from_dict(row.format),
        file_key=row.file_key,
        day_first=row.day_first,
        extras=Extras(row.owner_id, row.tag),
    )


def _scope_of(scope: Scope, row: Import) -> Scope:
    """The asker as they were when they chose the mapping: their zone and country decide what a cell means."""
    known = {name: row.asker[name] for name in ("user_name", "locale", "zone", "region", "currency")}
    user = row.asker.get("user_id")
    return replace(scope, user_id=UUID(user) if user else None, now=now(), **known)


def _planner(work: Work) -> Planner:
    context = ParseContext(work.scope, people.by_any_name(work.scope), work.day_first)
    database.rollback()  # reading people began a transaction, and reading the file may take long
    parser = RowParser(work.kind, work.headers, work.mapping, context)
    return Planner(work.kind, parser, Composer(work.kind, context, work.extras), work.duplicates)


def _check(work: Work, planner: Planner, chunks: int | None) -> None:
    """The dry run: everything an import does, except writing records."""
    _forget_problems(work)
    with Seen() as seen:
        for count, (size, drafts) in enumerate(_drafted(work, planner), start=1):
            keys = {draft.key for draft in drafts if isinstance(draft, Draft)} if planner.looks_up else set()
            row = _lock(work)
            there = queries.find_existing(work.kind, keys, values=planner.updates, lock=False)
            plan = planner.plan(drafts, there, seen.among(keys))
            writing.insert_problems(work.scope, work.import_id, work.run, plan.problems)
            row.checked_created += plan.created
            row.checked_updated += plan.updated
            row.checked_skipped += plan.skipped
            row.checked_refused += plan.refused
            _advance(work, row, size)
            if planner.looks_up:
                seen.add({new.columns["match_key"] for new in plan.new})
            if size < CHUNK:
                _finish(work.scope, row, CHECKED)
            database.commit()
            if count == chunks:
                return


def _import(work: Work, planner: Planner, chunks: int | None) -> None:
    if work.next_row == 0:
        _forget_problems(work)
    for count, (size, drafts) in enumerate(_drafted(work, planner), start=1):
        row = _lock(work)
        plan = _planned(work, planner, drafts)
        _write(work, plan)
        row.created += plan.created
        row.updated += plan.updated
        row.skipped += plan.skipped
        row.refused += plan.refused
        _advance(work, row, size)
        if size < CHUNK:
            _finish(work.scope, row, IMPORTED)
        database.commit()
        if count == chunks:
            return


def _planned(work: Work, planner: Planner, drafts: list[Draft | Problem]) -> Plan:
    """The plan against the records that are there, which are locked if they may be updated."""
    if not planner.looks_up:
        return planner.plan(drafts, {})
    keys = {draft.key for draft in drafts if isinstance(draft, Draft)}
    there = queries.find_existing(work.kind, keys, values=planner.updates, lock=planner.updates)
    return planner.plan(drafts, there)


def _write(work: Work, plan: Plan) -> None:
    writing.insert_records(work.scope, work.kind, work.import_id, plan.new)
    writing.update_records(work.scope, work.kind, work.import_id, list(plan.changed.values()))
    writing.insert_problems(work.scope, work.import_id, work.run, plan.problems)
    turn_over(work.scope.tenant_id, work.kind.name)


def _drafted(work: Work, planner: Planner) -> Iterator[tuple[int, list[Draft | Problem]]]:
    """The rows from `next_row` on, chunk by chunk: how many there were, and what they mean.

    The last chunk is the one that is not full, so there is always one. A thread reads and drafts the next chunk
    while the database is busy with this one; it touches neither session nor application.
    """
    rows = read_rows(storage.files().path(work.file_key), work.format)
    _pass_over(work, rows)

    def draft() -> tuple[int, list[Draft | Problem]]:
        chunk = list(islice(rows, CHUNK))
        return len(chunk), planner.draft(chunk)

    with ThreadPoolExecutor(1, thread_name_prefix="import") as thread:
        coming = thread.submit(draft)
        while True:
            size, drafts = coming.result()
            if size == CHUNK:
                coming = thread.submit(draft)
            yield size, drafts
            if size < CHUNK:
                return


def _pass_over(work: Work, rows: Iterator[Row]) -> None:
    """Skips the rows that are in already, keeping the lease alive: in a large workbook this takes a while."""
    left, beat = work.next_row, now()
    while left > 0:
        step = min(left, CHUNK)
        next(islice(rows, step - 1, step), None)
        left -= step
        if now() - beat > _HEARTBEAT:
            _lock(work)
            database.commit()
            beat = now()


def _lock(work: Work) -> Import:
    """The import, locked, at this instant, with its lease prolonged.

    Raises:
        LeaseLost: it is not ours any more, or has been cancelled (which is then recorded here).
    """
    work.scope = replace(work.scope, now=now())
    db.session.execute(_SETTINGS)
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one_or_none()
    if row is None or (row.worker, row.state, row.next_row) != (work.worker, work.state, work.next_row):
        raise LeaseLost
    if row.cancel_requested and row.state != UNDOING:
        _finish(work.scope, row, CANCELLED, _cancelled(row))
        database.commit()
        raise LeaseLost
    row.lease_until = work.scope.now + LEASE
    return row


def _advance(work: Work, row: Import, rows: int) -> None:
    row.next_row += rows
    row.attempts = 0
    work.next_row = row.next_row


def _finish(scope: Scope, row: Import, state: str, message: str = "") -> None:
    """Ends this run of the import and says so in the event log."""
    if state in (CHECKED, IMPORTED):
        row.total_rows = row.next_row
    row.state, row.message = state, message
    row.worker = row.lease_until = None
    row.cancel_requested, row.attempts = False, 0
    row.finished_at = row.updated_at = scope.now
    row.version += 1
    if state != CHECKED:
        announce(scope, row)
    if state in (IMPORTED, CANCELLED, FAILED):
        discard_file(row)


def announce(scope: Scope, row: Import) -> None:
    """The import's own event: every record it touched shows it in its timeline."""
    counts = (row.created, row.updated, row.skipped, row.refused)
    publish(scope, ImportChanged(row.kind, row.id, row.state, row.filename, *counts))


def discard_file(row: Import) -> None:
    """The file has served its purpose; what was refused is kept as rows."""
    files, key = storage.files(), row.file_key
    after_commit(lambda: files.delete(key))


def _fail(work: Work, message: str) -> None:
    """The file cannot be read to its end, or is gone: what is in stays, and can be taken back."""
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one()
    if row.worker == work.worker:
        _finish(replace(work.scope, now=now()), row, FAILED, message)
    database.commit()


def _let_go(work: Work) -> None:
    """Gives the lease back after a failure, so that the next sweep tries again; the third time it fails."""
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one()
    if row.worker == work.worker:
        row.worker, row.lease_until = None, now()
        if row.attempts >= MOST_ATTEMPTS:
            _finish(replace(work.scope, now=now()), row, FAILED, _stopped(row))
    database.commit()


def _stopped(row: Import) -> str:
    done = "Nothing was imported." if not row.created + row.updated else "What is in can be taken back."
    return (
        f"It stopped after row {row.next_row:,} of the data, and {MOST_ATTEMPTS} attempts to go on failed. {done} "
        "Your administrator finds the cause in the log."
    )


def _cancelled(row: Import) -> str:
    if row.state == CHECKING or not row.created + row.updated:
        return "It was cancelled before anything was imported."
    return f"It was cancelled after {row.next_row:,} rows. What was imported until then is in."


def _forget_problems(work: Work) -> None:
    """Removes what earlier runs refused, a portion a transaction."""
    old = select(ImportProblem.id).where(ImportProblem.import_id == work.import_id, ImportProblem.run < work.run)
    while True:
        _lock(work)
        gone: Any = db.session.execute(
            delete(ImportProblem).where(ImportProblem.id.in_(old.limit(10_000).scalar_subquery()))
        )
        database.commit()
        if gone.rowcount < 10_000:
            return


def _undo(work: Work, chunks: int | None) -> None:
    """First what was overwritten, whose past is used up as it is restored; then what was created, by id."""
    count = 0
    while True:
        row = _lock(work)
        done = _restore_some(work, row) or _remove_some(work, row)
        row.attempts = 0
        turn_over(work.scope.tenant_id, work.kind.name)
        if not done:
            _finish(work.scope, row, UNDONE, _undone(row))
        database.commit()
        count += 1
        if not done or count == chunks:
            return


def _restore_some(work: Work, row: Import) -> int:
    """Restores records that nobody changed since; returns how many it looked at."""
    query = (
        select(ImportChange)
        .where(ImportChange.import_id == row.id, ImportChange.before.is_not(None))
        .order_by(ImportChange.record_id)
        .limit(CHUNK)
    )
    changes = list(db.session.scalars(query))
    model = work.kind.model
    ids = [change.record_id for change in changes]
    locked = select(model).where(model.id == any_(literal(ids, ARRAY(Uuid)))).order_by(model.id).with_for_update()
    current = {record.id: record for record in db.session.scalars(locked)}
    own = [c for c in changes if c.record_id in current and current[c.record_id].version == c.version_after]
    writing.restore_records(work.scope, work.kind, own, current)
    row.restored += len(own)
    row.kept += len(changes) - len(own)
    used = literal([change.id for change in changes], ARRAY(Uuid))
    for seen in (*changes, *current.values()):
        db.session.expunge(seen)  # written below the session's eyes
    db.session.execute(delete(ImportChange).where(ImportChange.id == any_(used)))
    return len(changes)


def _remove_some(work: Work, row: Import) -> int:
    """Removes created records that are as the import wrote them; returns how many it looked at."""
    model = work.kind.model
    query = (
        select(model.id, model.version, ImportChange.version_after)
        .outerjoin(ImportChange, (ImportChange.import_id == row.id) & (ImportChange.record_id == model.id))
        .where(model.import_id == row.id)
        .order_by(model.id)
        .limit(CHUNK)
        .with_for_update(of=model)
    )
    found = db.session.execute(query.where(model.id > row.undo_after) if row.undo_after else query).all()
    own = [id_ for id_, version, written in found if version == (1 if written is None else written)]
    writing.delete_records(work.kind, own)
    row.removed += len(own)
    row.kept += len(found) - len(own)
    row.undo_after = found[-1][0] if found else row.undo_after
    return len(found)


def _undone(row: Import) -> str:
    if not row.kept:
        return ""
    return f"{row.kept:,} were kept as they are, because somebody changed or deleted them since."
