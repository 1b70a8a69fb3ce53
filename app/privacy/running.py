"""Doing what was asked: a lease on the request, one place after the other, a commit after each batch.

Killed anywhere, it is taken up again by the sweep, at the beginning of the step it was in: what is done is done.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.core import db as database
from app.core import storage
from app.core.clock import now
from app.core.errors import Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.privacy import erasing, exporting, queries
from app.privacy.erasing import Task
from app.privacy.events import PersonErased, PersonExported, RequestFailed
from app.privacy.models import ADDRESS, DONE, ERASURE, FAILED, RUNNING, WAITING, Erasure, PrivacyRequest

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=7)
MOST_ATTEMPTS = 5
_LARGEST = 512 * 2**20


def run_request(scope: Scope, request_id: UUID) -> None:
    """Does the request, or goes on with it; nothing if somebody else is at it or it is done."""
    row = _take(scope, request_id)
    if row is None:
        return
    task = Task(scope, row, ADDRESS.open(row), row.user_id)
    if row.kind == ERASURE:
        try:
            _erase(task)
        except Invalid as refused:
            database.rollback()
            _fail(scope, queries.get_request(scope, request_id, lock=True), refused.message)
    else:
        _export(task)
    database.commit()


def _take(scope: Scope, request_id: UUID) -> PrivacyRequest | None:
    row = queries.get_request(scope, request_id, lock=True)
    leased = row.lease_until is not None and row.lease_until > scope.now
    if row.state not in (WAITING, RUNNING) or leased:
        database.rollback()
        return None
    if row.attempts >= MOST_ATTEMPTS:
        _fail(scope, row, "It could not be finished. Your administrator finds the cause in the log; then ask again.")
        database.commit()
        return None
    row.state, row.attempts, row.lease_until = RUNNING, row.attempts + 1, scope.now + LEASE
    if row.kind == ERASURE:
        begun = {"tenant_id": scope.tenant_id, "id": row.id, "asked_by": row.asked_by, "at": scope.now}
        db.session.execute(insert(Erasure).values(begun).on_conflict_do_nothing())
    database.commit()
    return row


def _erase(task: Task) -> None:
    row, names = task.request, [name for name, _ in erasing.PLACES]
    begin = names.index(row.step) if row.step in names else 0
    for name, place in erasing.PLACES[begin:]:
        row.step = name
        for what, count in place(task):
            _count(row, what, count)
            row.lease_until, row.attempts = now() + LEASE, 1
            database.commit()
        log.info("erasure_step", extra={"request": str(row.id), "step": name})
    publish(task.scope, PersonErased("person", row.id, counts=dict(row.counts)))
    _finish(row)
    row.user_id = None


def _export(task: Task) -> None:
    row, scope = task.request, task.scope
    found = exporting.gather(task)
    with exporting.write_zip(scope, task.address, found) as file:
        kept = storage.files().save(scope.tenant_id, file, _LARGEST)
    for name, rows in found.items():
        _count(row, name.replace("-", " "), len(rows))
    row.file_key, row.expires_at = kept.key, now() + KEPT
    publish(scope, PersonExported("person", row.id, counts=dict(row.counts)))
    _finish(row)


def _fail(scope: Scope, row: PrivacyRequest, message: str) -> None:
    row.state, row.finished_at, row.lease_until, row.message = FAILED, scope.now, None, message
    publish(scope, RequestFailed("person", row.id, step=row.step))


def _finish(row: PrivacyRequest) -> None:
    """Whose data it was is forgotten with this."""
    row.state, row.step, row.address_sealed, row.lease_until = DONE, "", None, None
    row.finished_at = now()


def _count(row: PrivacyRequest, what: str, count: int) -> None:
    if count:
        row.counts = {**row.counts, what: row.counts.get(what, 0) + count}
