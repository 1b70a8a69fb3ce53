"""One import in our hands: taken, held, given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, text

from app.core import db as database
from app.core import tenants
from app.core.clock import now
from app.core.errors import NotFound
from app.core.records.kind import RecordKind, kind_named
from app.core.scope import Scope
from app.core.transfer.models import (
    CANCELLED,
    CHECKING,
    FAILED,
    RUNNING,
    UNDOING,
    Import,
)
from app.core.transfer.parsing import Extras
from app.core.transfer.reading import TableFormat
from app.core.transfer.running.ending import cancelled_text, finish
from app.extensions import db

CHUNK = 4_000
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
# A table that grows by the million in minutes has no statistics yet: left to itself the planner reads all of it
# for each chunk. Looking up one key after the other in the index is right at any size.
_SETTINGS = text(
    "select set_config('statement_timeout', '20s', true), set_config('lock_timeout', '10s', true), "
    "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('enable_sort', 'off', true), "
    "set_config('jit', 'off', true)"
)


_GONE = "Whoever asked for this has left, or may not import any more. What is in can be taken back."
Rights = Callable[[UUID], Scope]
"""The rights a person holds now; raises NotFound for someone who has left."""


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


def take(scope: Scope, import_id: UUID, rights: Rights | None = None) -> Work | None:
    """Leases the import, or None if it does not run or another worker's lease still holds.

    Taking it three times without finishing a chunk means that it cannot be finished: then it fails. So it does
    when whoever asked for it has left, or may not import any more.
    """
    at = now()
    query = select(Import).where(Import.id == import_id).with_for_update(skip_locked=True)
    row = db.session.scalars(query).one_or_none()
    if row is None or row.state not in RUNNING or (row.worker and row.lease_until and row.lease_until > at):
        database.rollback()
        return None
    own = _scope_of(scope, row, rights)
    if own is None:
        finish(_named(scope, row), row, FAILED, _GONE)
        database.commit()
        return None
    if row.attempts >= MOST_ATTEMPTS:
        finish(own, row, FAILED, stopped_text(row))
        database.commit()
        return None
    row.worker, row.lease_until, row.attempts = uuid4(), at + LEASE, row.attempts + 1
    if row.state == CHECKING:
        _begin_check(row)
    work = _work_of(own, row)
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
        scope=scope,
        headers=row.headers,
        mapping=[row.mapping.get(str(index), "") for index in range(len(row.headers))],
        duplicates=row.duplicates,
        format=TableFormat.from_dict(row.format),
        file_key=row.file_key,
        day_first=row.day_first,
        extras=Extras(row.owner_id, row.tag),
    )


def _scope_of(scope: Scope, row: Import, rights: Rights | None) -> Scope | None:
    """The asker with the rights they hold now; None if they have none to import any more."""
    user = row.asker.get("user_id")
    if rights is None or not user:
        return _named(scope, row)
    try:
        theirs = rights(UUID(user))
    except NotFound:
        return None
    return _named(theirs, row) if theirs.may(kind_named(row.kind).permission("import")) else None


def _named(scope: Scope, row: Import) -> Scope:
    """The asker as they were when they chose the mapping: their zone and country decide what a cell means."""
    known = {name: row.asker[name] for name in ("user_name", "locale", "zone", "region", "currency")}
    user = row.asker.get("user_id")
    return replace(scope, user_id=UUID(user) if user else None, now=now(), **known)


def lock(work: Work) -> Import:
    """The import, locked, at this instant, with its lease prolonged.

    Raises:
        LeaseLost: it is not ours any more, or has been cancelled (which is then recorded here), or the tenant was
            suspended: then the lease is given back, and the sweep goes on from here when it is resumed.
    """
    work.scope = replace(work.scope, now=now())
    db.session.execute(_SETTINGS)
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one_or_none()
    if row is None or (row.worker, row.state, row.next_row) != (work.worker, work.state, work.next_row):
        raise LeaseLost
    if tenants.is_suspended(work.scope.tenant_id):
        row.worker, row.lease_until, row.attempts = None, work.scope.now, 0
        database.commit()
        raise LeaseLost
    if row.cancel_requested and row.state != UNDOING:
        finish(work.scope, row, CANCELLED, cancelled_text(row))
        database.commit()
        raise LeaseLost
    row.lease_until = work.scope.now + LEASE
    return row


def advance(work: Work, row: Import, rows: int) -> None:
    row.next_row += rows
    row.attempts = 0
    work.next_row = row.next_row


def stopped_text(row: Import) -> str:
    done = "Nothing was imported." if not row.created + row.updated else "What is in can be taken back."
    return (
        f"It stopped after row {row.next_row:,} of the data, and {MOST_ATTEMPTS} attempts to go on failed. {done} "
        "Your administrator finds the cause in the log."
    )
