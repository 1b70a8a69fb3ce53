"""One training in our hands: taken, held while the machine learns, given back."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import db as database
from app.core import tenants
from app.core.clock import new_id, now
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.events import ClassifierTrained
from app.tickets.models import ClassifierVersion
from app.tickets.models.classification import BUSY, FAILED, TRAINING
from app.tickets.queries import CLASSIFIER_KIND

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=40)
BEAT_SECONDS = 10
MOST_ATTEMPTS = 3


class LeaseLost(Exception):
    """Somebody else trains this version now, or the tenant was suspended: leave it as it is."""


class Hold:
    """A version in our hands; every word to it prolongs the lease and ends the transaction."""

    def __init__(self, scope: Scope, version_id: UUID, worker: UUID) -> None:
        self.scope, self.version_id, self.worker = scope, version_id, worker

    def row(self) -> ClassifierVersion:
        """The version, locked.

        Raises:
            LeaseLost: it is not ours any more.
        """
        row = queries.get_version(self.scope, self.version_id, lock=True)
        if (row.worker, row.state) != (self.worker, TRAINING):
            raise LeaseLost
        row.lease_until = now() + LEASE
        return row

    def step(self, name: str, done: int | None = None) -> None:
        row = self.row()
        if tenants.is_suspended(self.scope.tenant_id):
            # Given back; the sweep goes on once the tenant is resumed.
            row.worker, row.lease_until, row.attempts = None, now(), 0
            database.commit()
            raise LeaseLost
        row.step, row.done = name, row.done if done is None else done
        database.commit()


@contextmanager
def kept(hold: Hold) -> Iterator[None]:
    """Prolongs the lease while the machine learns, for as long as this process lives: learning takes longer than a
    lease, and a lease is short so that what a crash left behind is soon taken up. The library lets other threads run.
    """
    over, engine = threading.Event(), db.engine

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                with Session(engine) as session, session.begin():
                    mine = (ClassifierVersion.id == hold.version_id, ClassifierVersion.worker == hold.worker)
                    session.execute(update(ClassifierVersion).where(*mine).values(lease_until=now() + LEASE))
            except SQLAlchemyError as error:
                log.warning("training_beat_failed", extra={"error": type(error).__name__})

    # With the tenant of this thread, on a connection of its own.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def take(scope: Scope, version_id: UUID) -> UUID | None:
    """Leases the version; None if it is done with, or another worker's lease still holds."""
    row = queries.get_version(scope, version_id, lock=True)
    at = now()
    if row.state not in BUSY or (row.worker is not None and row.lease_until > at):
        database.rollback()
        return None
    if row.attempts >= MOST_ATTEMPTS:
        row.state, row.problem, row.worker = (
            FAILED,
            "It stopped three times. Your administrator finds why in the log.",
            None,
        )
        publish(scope, ClassifierTrained(CLASSIFIER_KIND, row.id, field=row.field, number=row.number, state=FAILED))
        database.commit()
        return None
    worker = new_id()
    row.state, row.worker, row.lease_until = TRAINING, worker, at + LEASE
    row.attempts, row.done = row.attempts + 1, 0
    database.commit()
    return worker
