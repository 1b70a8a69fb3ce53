"""A change of a policy or calendar reaches the open tickets it concerns: a table of changes, worked through by a job.

Each ticket takes the change at the instant the job comes to it; until then its clocks run as they were promised. A
batch is a transaction, so a worker that dies repeats nothing: `cursor` says how far it came.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.core import db as database
from app.core import queue
from app.core.clock import new_id
from app.core.clock import now as present
from app.core.db import after_commit
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import clocks
from app.tickets.actions.telling import tell_people
from app.tickets.models.sla import SlaChange
from app.tickets.queries import changes as queries

JOB = "jobs.sla.spread"
_BATCH = 100
_LEASE = timedelta(minutes=2)


def spread(scope: Scope, kind: str, subject_id: UUID, number: int) -> int:
    """Stores that the open tickets on this policy or calendar are to take its version `number`, and rings.

    Returns how many tickets there are now.
    """
    total = queries.count_concerned(scope, kind, subject_id)
    change = SlaChange(
        tenant_id=scope.tenant_id,
        id=new_id(),
        kind=kind,
        subject_id=subject_id,
        number=number,
        total=total,
        author_id=scope.user_id,
        created_at=scope.now,
        lease_until=scope.now,
        done_at=None if total else scope.now,
    )
    db.session.add(change)
    db.session.flush()
    if total:
        after_commit(lambda: ring(scope.tenant_id, change.id), key=change.id)
    return total


def ring(tenant_id: UUID, change_id: UUID) -> None:
    queue.enqueue(JOB, tenant_id=tenant_id, change_id=change_id)


def work_on(scope: Scope, change_id: UUID) -> None:
    """Takes the change to its tickets until all have it. Commits after each batch, so a crash loses little work."""
    change = queries.find_open_change(scope, change_id, present())
    while change is not None:
        tickets = queries.list_concerned(scope, change, _BATCH)
        for ticket in tickets:
            clocks.take_change(replace(scope, now=present()), ticket, change)
        change.done += len(tickets)
        change.cursor = tickets[-1].id if tickets else change.cursor
        change.lease_until = present() + _LEASE
        if not tickets:
            change.done_at = present()
        database.commit()
        change = queries.find_open_change(scope, change_id, None) if tickets else None
    database.rollback()
    while tell_people(scope):
        database.commit()
