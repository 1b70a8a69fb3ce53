"""Deleting records, taking that back, and for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from app.core.clock import new_id
from app.core.errors import NotFound
from app.core.events import publish
from app.core.records import queries
from app.core.records.actions.storing import locked, touch, values_of
from app.core.records.events import (
    RecordDeleted,
    RecordRestored,
)
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.models import Note
from app.core.scope import Scope
from app.extensions import db

UNDO_DAYS = 30


def delete_records(scope: Scope, kind: RecordKind, ids: Sequence[UUID]) -> tuple[UUID, int]:
    """Deletes records together; returns the deletion, by which they can be restored for 30 days, and their number."""
    deletion = new_id()
    events = []
    records = locked(scope, kind, ids)
    for record in records:
        record.deleted_at, record.deletion_id = scope.now, deletion
        touch(scope, record)
        events.append(
            RecordDeleted(kind.name, record.id, title=kind.title(values_of(kind, record)), deletion_id=deletion)
        )
    if not events:
        raise NotFound(f"Those {kind.label_plural.lower()} are gone already.")
    db.session.flush()
    publish(scope, *events)
    hooks_of(kind).deleted(scope, records)
    db.session.flush()
    return deletion, len(events)


def undo_deletion(scope: Scope, kind: RecordKind, deletion_id: UUID) -> int:
    """Restores what one deletion took, of what the asker may change; a second undo finds nothing.

    Raises:
        NotFound: no such deletion, or it was undone or purged.
    """
    model = kind.model
    gone = select(model).where(model.deletion_id == deletion_id, *queries.changeable(scope, kind)).order_by(model.id)
    rows = db.session.scalars(queries.locked(gone)).all()
    if not rows:
        raise NotFound("There is nothing left to restore.")
    for record in rows:
        record.deleted_at = record.deletion_id = None
        touch(scope, record)
    db.session.flush()
    publish(scope, *(RecordRestored(kind.name, record.id, deletion_id=deletion_id) for record in rows))
    hooks_of(kind).restored(scope, rows)
    db.session.flush()
    return len(rows)


def purge_deleted(scope: Scope, limit: int = 1_000, *, days: int = UNDO_DAYS) -> int:
    """Removes for good what was deleted more than so many days ago, at most `limit` of each kind a call."""
    purged = 0
    for kind in all_kinds():
        model = kind.model
        old = select(model.id).where(model.deleted_at < scope.now - timedelta(days=days)).limit(limit)
        ids = list(db.session.scalars(old))
        db.session.execute(delete(Note).where(Note.kind == kind.name, Note.record_id.in_(ids)))
        db.session.execute(delete(model).where(model.id.in_(ids)))
        purged += len(ids)
    return purged
