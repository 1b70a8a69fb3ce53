"""Taking an import back."""

from __future__ import annotations

from sqlalchemy import ARRAY, Uuid, any_, delete, literal, select

from app.core import db as database
from app.core.events import turn_over
from app.core.records.models import Record
from app.core.records.reach import may_change
from app.core.transfer import writing
from app.core.transfer.models import (
    UNDONE,
    Import,
    ImportChange,
)
from app.core.transfer.running import lease
from app.core.transfer.running.ending import finish
from app.core.transfer.running.lease import Work, lock
from app.extensions import db


def take_back(work: Work, chunks: int | None) -> None:
    """First what was overwritten, whose past is used up as it is restored; then what was created, by id."""
    count = 0
    while True:
        row = lock(work)
        done = _restore_some(work, row) or _remove_some(work, row)
        row.attempts = 0
        turn_over(work.scope.tenant_id, work.kind.name)
        if not done:
            finish(work.scope, row, UNDONE, _undone(row))
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
        .limit(lease.CHUNK)
    )
    changes = list(db.session.scalars(query))
    model = work.kind.model
    ids = [change.record_id for change in changes]
    locked = select(model).where(model.id == any_(literal(ids, ARRAY(Uuid)))).order_by(model.id).with_for_update()
    current = {record.id: record for record in db.session.scalars(locked)}
    own = [c for c in changes if c.record_id in current and _is_ours(work, current[c.record_id], c)]
    writing.restore_records(work.scope, work.kind, own, current)
    row.restored += len(own)
    row.kept += len(changes) - len(own)
    used = literal([change.id for change in changes], ARRAY(Uuid))
    for seen in (*changes, *current.values()):
        db.session.expunge(seen)  # written below the session's eyes
    db.session.execute(delete(ImportChange).where(ImportChange.id == any_(used)))
    return len(changes)


def _is_ours(work: Work, record: Record, change: ImportChange) -> bool:
    """Nobody changed it since, and whoever takes the import back may."""
    return record.version == change.version_after and may_change(work.scope, work.kind, record.owner_id)


def _remove_some(work: Work, row: Import) -> int:
    """Removes created records that are as the import wrote them; returns how many it looked at."""
    model = work.kind.model
    query = (
        select(model.id, model.version, model.owner_id, ImportChange.version_after)
        .outerjoin(ImportChange, (ImportChange.import_id == row.id) & (ImportChange.record_id == model.id))
        .where(model.import_id == row.id)
        .order_by(model.id)
        .limit(lease.CHUNK)
        .with_for_update(of=model)
    )
    found = db.session.execute(query.where(model.id > row.undo_after) if row.undo_after else query).all()
    own = [
        id_
        for id_, version, owner, written in found
        if version == (1 if written is None else written) and may_change(work.scope, work.kind, owner)
    ]
    writing.delete_records(work.kind, own)
    row.removed += len(own)
    row.kept += len(found) - len(own)
    row.undo_after = found[-1][0] if found else row.undo_after
    return len(found)


def _undone(row: Import) -> str:
    if not row.kept:
        return ""
    why = "because somebody changed or deleted them since, or they are not yours to change"
    return f"{row.kept:,} were kept as they are, {why}."
