"""The dry run and the import itself, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, select

from app.core import db as database
from app.core import storage
from app.core.clock import now
from app.core.events import turn_over
from app.core.records.hooks import hooks_of
from app.core.transfer import queries, writing
from app.core.transfer.models import (
    CHECKED,
    IMPORTED,
    ImportProblem,
)
from app.core.transfer.planning import Draft, Plan, Planner, Problem
from app.core.transfer.reading import Row, read_rows
from app.core.transfer.running import lease
from app.core.transfer.running.ending import finish
from app.core.transfer.running.lease import Work, advance, lock
from app.core.transfer.seen import Seen
from app.extensions import db

_HEARTBEAT = timedelta(seconds=10)


def dry_run(work: Work, planner: Planner, chunks: int | None) -> None:
    """The dry run: everything an import does, except writing records."""
    _forget_problems(work)
    with Seen() as seen:
        for count, (size, drafts) in enumerate(_drafted(work, planner), start=1):
            keys = {draft.key for draft in drafts if isinstance(draft, Draft)} if planner.looks_up else set()
            row = lock(work)
            there = queries.find_existing(work.scope, work.kind, keys, values=planner.updates, lock=False)
            plan = planner.plan(drafts, there, seen.among(keys))
            writing.insert_problems(work.scope, work.import_id, work.run, plan.problems)
            row.checked_created += plan.created
            row.checked_updated += plan.updated
            row.checked_skipped += plan.skipped
            row.checked_refused += plan.refused
            advance(work, row, size)
            if planner.looks_up:
                seen.add({new.columns["match_key"] for new in plan.new})
            if size < lease.CHUNK:
                finish(work.scope, row, CHECKED)
            database.commit()
            if count == chunks:
                return


def bring_in(work: Work, planner: Planner, chunks: int | None) -> None:
    if work.next_row == 0:
        _forget_problems(work)
    for count, (size, drafts) in enumerate(_drafted(work, planner), start=1):
        row = lock(work)
        for name, fresh in planner.take_fresh().items():
            hooks_of(work.kind).naming(work.scope, name, fresh)
        plan = _planned(work, planner, drafts)
        _write(work, plan)
        row.created += plan.created
        row.updated += plan.updated
        row.skipped += plan.skipped
        row.refused += plan.refused
        advance(work, row, size)
        if size < lease.CHUNK:
            finish(work.scope, row, IMPORTED)
        database.commit()
        if count == chunks:
            return


def _planned(work: Work, planner: Planner, drafts: list[Draft | Problem]) -> Plan:
    """The plan against the records that are there, which are locked if they may be updated."""
    if not planner.looks_up:
        return planner.plan(drafts, {})
    keys = {draft.key for draft in drafts if isinstance(draft, Draft)}
    there = queries.find_existing(work.scope, work.kind, keys, values=planner.updates, lock=planner.updates)
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
        chunk = list(islice(rows, lease.CHUNK))
        return len(chunk), planner.draft(chunk)

    with ThreadPoolExecutor(1, thread_name_prefix="import") as thread:
        coming = thread.submit(draft)
        while True:
            size, drafts = coming.result()
            if size == lease.CHUNK:
                coming = thread.submit(draft)
            yield size, drafts
            if size < lease.CHUNK:
                return


def _pass_over(work: Work, rows: Iterator[Row]) -> None:
    """Skips the rows that are in already, keeping the lease alive: in a large workbook this takes a while."""
    left, beat = work.next_row, now()
    while left > 0:
        step = min(left, lease.CHUNK)
        next(islice(rows, step - 1, step), None)
        left -= step
        if now() - beat > _HEARTBEAT:
            lock(work)
            database.commit()
            beat = now()


def _forget_problems(work: Work) -> None:
    """Removes what earlier runs refused, a portion a transaction."""
    old = select(ImportProblem.id).where(ImportProblem.import_id == work.import_id, ImportProblem.run < work.run)
    while True:
        lock(work)
        gone: Any = db.session.execute(
            delete(ImportProblem).where(ImportProblem.id.in_(old.limit(10_000).scalar_subquery()))
        )
        database.commit()
        if gone.rowcount < 10_000:
            return
