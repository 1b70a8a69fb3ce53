"""What stands beside a record: its events, notes, and the saved views of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.records.kind import RecordKind
from app.core.records.models import Note, SavedView
from app.core.scope import Scope
from app.extensions import db


def list_events(
    scope: Scope, subjects: Sequence[UUID], *, before: UUID | None = None, limit: int = 30
) -> list[EventRow]:
    """What happened to these subjects (a record and the imports that touched it), newest first."""
    query = select(EventRow).where(EventRow.subject_id.in_(subjects)).order_by(EventRow.id.desc()).limit(limit)
    return list(db.session.scalars(query.where(EventRow.id < before) if before else query))


def list_changes(kind: RecordKind, record_id: UUID, *, limit: int) -> list[EventRow]:
    """The record's latest events that carry the version they made, newest first."""
    types = (f"{kind.name}.changed", f"{kind.name}.moved")
    query = select(EventRow).where(EventRow.subject_id == record_id, EventRow.type.in_(types))
    return list(db.session.scalars(query.order_by(EventRow.id.desc()).limit(limit)))


def list_notes(scope: Scope, kind: RecordKind, record_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Note]:
    """The notes of a record among these ids."""
    if not ids:
        return {}
    rows = db.session.scalars(select(Note).where(Note.kind == kind.name, Note.record_id == record_id, Note.id.in_(ids)))
    return {note.id: note for note in rows}


def get_note(scope: Scope, kind: RecordKind, record_id: UUID, note_id: UUID) -> Note:
    """Raises NotFound if the record has no such note."""
    note = db.session.scalars(
        select(Note).where(Note.kind == kind.name, Note.record_id == record_id, Note.id == note_id)
    ).one_or_none()
    if note is None:
        raise NotFound("This note does not exist any more.")
    return note


def list_views(scope: Scope, kind: RecordKind) -> list[SavedView]:
    """The asker's saved views and those shared with the tenant, at most fifty."""
    mine_or_shared = or_(SavedView.owner_id == scope.user_id, SavedView.shared)
    query = select(SavedView).where(SavedView.kind == kind.name, mine_or_shared)
    return list(db.session.scalars(query.order_by(SavedView.name, SavedView.id).limit(50)))


def get_view(scope: Scope, kind: RecordKind, view_id: UUID) -> SavedView:
    """Raises NotFound for a view that is neither the asker's nor shared."""
    view = next((view for view in list_views(scope, kind) if view.id == view_id), None)
    if view is None:
        raise NotFound("This saved view does not exist any more.")
    return view
