"""What people keep beside records: notes and saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.errors import Forbidden, Invalid
from app.core.events import publish, turn_over
from app.core.records import queries
from app.core.records.events import (
    NoteAdded,
    NoteDeleted,
)
from app.core.records.kind import RecordKind
from app.core.records.models import Note, SavedView
from app.core.scope import Scope
from app.extensions import db

MAX_VIEWS = 50


def add_note(scope: Scope, kind: RecordKind, record_id: UUID, body: str) -> UUID:
    """Keeps a note on the record; returns the note's id."""
    record = queries.get_record(scope, kind, record_id, change=True)
    note = Note(
        tenant_id=scope.tenant_id,
        id=new_id(),
        kind=kind.name,
        record_id=record.id,
        author_id=scope.user_id,
        author_name=scope.user_name,
        body=body,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(note)
    db.session.flush()
    publish(scope, NoteAdded(kind.name, record.id, note_id=note.id))
    return note.id


def delete_note(scope: Scope, kind: RecordKind, record_id: UUID, note_id: UUID) -> None:
    """Removes a note of one's own, or any for those who may delete records.

    Raises:
        NotFound: no such note. Forbidden: it is somebody else's.
    """
    record = queries.get_record(scope, kind, record_id, change=True)
    note = queries.get_note(scope, kind, record_id, note_id)
    if note.author_id != scope.user_id and not scope.may(kind.permission("share")):
        raise Forbidden("Only its author or a manager can delete a note.")
    db.session.delete(note)
    db.session.flush()
    publish(scope, NoteDeleted(kind.name, record.id, note_id=note_id))


def save_view(
    scope: Scope, kind: RecordKind, name: str, query: Mapping[str, Any], *, shared: bool, pinned: bool = True
) -> UUID:
    """Keeps a list's state under a name; the same name again replaces one's own view of that name.

    A pinned view is a tab of the list, another stands in the menu beside them.

    Raises:
        Invalid: there are fifty already. Forbidden: sharing without the permission.
    """
    if shared and not scope.may(kind.permission("share")):
        raise Forbidden("Only managers can share a view with everybody.")
    views = queries.list_views(scope, kind)
    view = next((view for view in views if view.owner_id == scope.user_id and view.name == name), None)
    if view is None and len(views) >= MAX_VIEWS:
        raise Invalid({"name": f"There are {MAX_VIEWS} saved views already; delete one first."})
    if view is None:
        view = SavedView(
            tenant_id=scope.tenant_id,
            id=new_id(),
            kind=kind.name,
            owner_id=scope.user_id,
            created_at=scope.now,
        )
        db.session.add(view)
    view.name, view.query, view.updated_at = name, dict(query), scope.now
    view.shared, view.pinned = shared, pinned
    db.session.flush()
    turn_over(scope.tenant_id, views_kind(kind))
    return view.id


def delete_view(scope: Scope, kind: RecordKind, view_id: UUID) -> None:
    """Raises NotFound for no such view, Forbidden for somebody else's."""
    view = queries.get_view(scope, kind, view_id)
    if view.owner_id != scope.user_id and not scope.may(kind.permission("share")):
        raise Forbidden("This view is shared by somebody else.")
    db.session.delete(view)
    db.session.flush()
    turn_over(scope.tenant_id, views_kind(kind))


def views_kind(kind: RecordKind) -> str:
    """Under what name the saved views of a kind are cached."""
    return f"{kind.name}-views"
