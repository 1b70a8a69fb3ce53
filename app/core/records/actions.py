"""What can be done to a record of any kind. Each action flushes, publishes one event a record, never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.core.clock import new_id
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.events import EventRow, publish, turn_over
from app.core.records import queries
from app.core.records.events import (
    NoteAdded,
    NoteDeleted,
    RecordChanged,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    StatusMoved,
)
from app.core.records.fields import Tags
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.listing import ListRequest
from app.core.records.models import Note, Record, SavedView
from app.core.records.text import fold
from app.core.scope import Scope
from app.extensions import db

BULK_LIMIT = 5_000
UNDO_DAYS = 30
MAX_VIEWS = 50
_LOOK_BACK = 50


def require(scope: Scope, permission: str) -> None:
    """Raises Forbidden unless the asker's role holds the permission."""
    if not scope.may(permission):
        raise Forbidden()


def create_record(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> UUID:
    """Stores a new record and returns its id.

    Raises:
        Invalid: the values break a rule across fields.
    """
    whole = {spec.name: spec.default for spec in kind.fields} | dict(values)
    if kind.lifecycle:
        whole[kind.lifecycle.field] = whole.get(kind.lifecycle.field) or kind.lifecycle.initial
    whole |= _currencies(scope, kind, whole)
    if errors := kind.check(whole):
        raise Invalid(errors)
    fresh = {"tenant_id": scope.tenant_id, "id": new_id(), "created_at": scope.now, "updated_at": scope.now}
    record = kind.model(**(fresh | {"version": 1} | stored(kind, whole)))
    db.session.add(record)
    db.session.flush()
    publish(scope, RecordCreated(kind.name, record.id, title=kind.title(whole)))
    return record.id


def update_record(scope: Scope, kind: RecordKind, record_id: UUID, version: int, changes: Mapping[str, Any]) -> Record:
    """Changes some fields of the version the asker saw.

    Raises:
        NotFound: the record is gone, or foreign.
        Conflict: somebody changed one of these fields to something else since; carries both versions.
        Invalid: the result breaks a rule across fields.
    """
    record = queries.get_record(scope, kind, record_id, lock=True)
    _refuse_stale(scope, kind, record, version, changes)
    _apply(scope, kind, record, changes)
    return record


def move_record(scope: Scope, kind: RecordKind, record_id: UUID, version: int, to: str, reason: str = "") -> Record:
    """Moves the record to another status by the kind's lifecycle; the move, its reason and how long the record
    stood in the status before go into the timeline.

    Raises:
        Invalid: the lifecycle does not allow the move, or a reason is needed.
        Conflict: somebody moved it since.
    """
    record = queries.get_record(scope, kind, record_id, lock=True)
    lifecycle, labels = kind.lifecycle, kind.status_type
    if lifecycle is None or labels is None:
        raise NotFound(f"{kind.label_plural} have no status.")
    before = getattr(record, lifecycle.field)
    if before == to:
        return record
    _refuse_stale(scope, kind, record, version, {lifecycle.field: to})
    if not lifecycle.can_move(before, to):
        raise Invalid({lifecycle.field: f"{labels.label(before)} cannot become {labels.label(to)}."})
    if to in lifecycle.reasoned and not reason:
        raise Invalid({"reason": f"Say why: {labels.label(to)} needs a reason."})
    since = _status_since(kind, record)
    setattr(record, lifecycle.field, to)
    _touch(scope, record)
    seconds = max(0, int((scope.now - since).total_seconds()))
    told = {"before": before, "after": to, "reason": reason, "seconds": seconds, "version": record.version}
    publish(scope, StatusMoved(kind.name, record.id, **told))
    return record


def select_records(
    scope: Scope, kind: RecordKind, ids: Sequence[UUID], request: ListRequest | None = None
) -> list[UUID]:
    """The ids a bulk action is for: those ticked, or with `request` everything its list shows.

    Raises:
        Invalid: nothing is selected, or more than 5,000.
    """
    chosen = list(dict.fromkeys(ids)) if request is None else queries.list_ids(scope, kind, request, BULK_LIMIT + 1)
    if not chosen:
        raise Invalid({"": f"Select some {kind.label_plural.lower()} first."})
    if len(chosen) > BULK_LIMIT:
        raise Invalid({"": f"At most {BULK_LIMIT:,} at once. Narrow the list with a filter, then do the rest."})
    return chosen


def bulk_update(
    scope: Scope,
    kind: RecordKind,
    ids: Sequence[UUID],
    changes: Mapping[str, Any],
    *,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
) -> int:
    """Changes the same fields of many records in one transaction; returns how many there were.

    Raises:
        Invalid: a record would break a rule across fields, or have too many tags; then none is changed.
    """
    gone = {fold(tag) for tag in remove_tags}
    with db.session.begin_nested():
        records = _locked(scope, kind, ids)
        for record in records:
            tags = {fold(tag): tag for tag in (*add_tags, *record.tags)}
            kept = [tags[key] for key in dict.fromkeys(map(fold, (*record.tags, *add_tags))) if key not in gone]
            if add_tags and len(kept) > Tags.most:
                title = kind.title(values_of(kind, record))
                raise Invalid({"tags": f"{title} would have {len(kept)} tags; {Tags.most} is the most."})
            own = dict(changes) | ({"tags": kept} if add_tags or remove_tags else {})
            _apply(scope, kind, record, own)
    return len(records)


def bulk_move(scope: Scope, kind: RecordKind, ids: Sequence[UUID], to: str, reason: str) -> tuple[int, int]:
    """Moves those records whose status allows it; returns how many were moved and how many stayed.

    Raises:
        Invalid: there is no such status, or it needs a reason; then none is moved.
    """
    lifecycle, labels = kind.lifecycle, kind.status_type
    if lifecycle is None or labels is None or to not in lifecycle.moves:
        raise Invalid({"to": "Choose a status to move to."})
    if to in lifecycle.reasoned and not reason:
        raise Invalid({"reason": f"Say why: {labels.label(to)} needs a reason."})
    records = _locked(scope, kind, ids)
    movable = [record for record in records if lifecycle.can_move(getattr(record, lifecycle.field), to)]
    for record in movable:
        move_record(scope, kind, record.id, record.version, to, reason)
    return len(movable), len(records) - len(movable)


def delete_records(scope: Scope, kind: RecordKind, ids: Sequence[UUID]) -> tuple[UUID, int]:
    """Deletes records together; returns the deletion, by which they can be restored for 30 days, and their number."""
    deletion = new_id()
    events = []
    for record in _locked(scope, kind, ids):
        record.deleted_at, record.deletion_id = scope.now, deletion
        _touch(scope, record)
        events.append(
            RecordDeleted(kind.name, record.id, title=kind.title(values_of(kind, record)), deletion_id=deletion)
        )
    if not events:
        raise NotFound(f"Those {kind.label_plural.lower()} are gone already.")
    db.session.flush()
    publish(scope, *events)
    return deletion, len(events)


def undo_deletion(scope: Scope, kind: RecordKind, deletion_id: UUID) -> int:
    """Restores what one deletion took; a second undo finds nothing.

    Raises:
        NotFound: no such deletion, or it was undone or purged.
    """
    model = kind.model
    rows = db.session.scalars(queries.locked(select(model).where(model.deletion_id == deletion_id))).all()
    if not rows:
        raise NotFound("There is nothing left to restore.")
    for record in rows:
        record.deleted_at = record.deletion_id = None
        _touch(scope, record)
    db.session.flush()
    publish(scope, *(RecordRestored(kind.name, record.id, deletion_id=deletion_id) for record in rows))
    return len(rows)


def purge_deleted(scope: Scope, limit: int = 1_000) -> int:
    """Removes for good what was deleted more than 30 days ago, at most `limit` of each kind a call."""
    purged = 0
    for kind in all_kinds():
        model = kind.model
        old = select(model.id).where(model.deleted_at < scope.now - timedelta(days=UNDO_DAYS)).limit(limit)
        ids = list(db.session.scalars(old))
        db.session.execute(delete(Note).where(Note.kind == kind.name, Note.record_id.in_(ids)))
        db.session.execute(delete(model).where(model.id.in_(ids)))
        purged += len(ids)
    return purged


def add_note(scope: Scope, kind: RecordKind, record_id: UUID, body: str) -> UUID:
    """Keeps a note on the record; returns the note's id."""
    record = queries.get_record(scope, kind, record_id)
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
    record = queries.get_record(scope, kind, record_id)
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


def values_of(kind: RecordKind, record: Record) -> dict[str, Any]:
    """The record's fields by name."""
    return {spec.name: getattr(record, spec.name) for spec in kind.fields}


def stored(kind: RecordKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a full set of values: the fields and what is derived from them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()} | kind.derive(
        values
    )


def _apply(scope: Scope, kind: RecordKind, record: Record, changes: Mapping[str, Any]) -> None:
    """Writes the changes that differ, with what is derived, and publishes them as one event."""
    before = values_of(kind, record)
    changes = dict(changes) | _currencies(scope, kind, before | dict(changes))
    after = before | changes
    changed = {name: (before[name], after[name]) for name in changes if _differ(before[name], after[name])}
    if not changed:
        return
    if errors := kind.check(after):
        raise Invalid(errors)
    for name, value in stored(kind, after).items():
        if _differ(getattr(record, name), value):
            setattr(record, name, value)
    _touch(scope, record)
    publish(scope, RecordChanged(kind.name, record.id, changes=changed, version=record.version))


def _currencies(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> dict[str, str]:
    """An amount without a currency is in the tenant's."""
    return {
        currency: scope.currency
        for amount, currency in kind.currency_of.items()
        if values[amount] is not None and not values[currency]
    }


def _touch(scope: Scope, record: Record) -> None:
    record.version += 1
    record.updated_at = scope.now


def _differ(before: Any, after: Any) -> bool:
    return (list(before) if isinstance(before, list | tuple) else before) != (
        list(after) if isinstance(after, list | tuple) else after
    )


def _locked(scope: Scope, kind: RecordKind, ids: Sequence[UUID]) -> Sequence[Record]:
    """The live ones of these records, locked in one order so that two bulk actions cannot wait for each other."""
    query = queries.live(scope, kind).where(kind.model.id.in_(ids)).order_by(kind.model.id)
    return db.session.scalars(queries.locked(query)).all()


def _refuse_stale(scope: Scope, kind: RecordKind, record: Record, version: int, changes: Mapping[str, Any]) -> None:
    """Raises Conflict, with both versions of what was to be changed, if it was changed since `version`."""
    if record.version == version:
        return
    since = _changed_since(kind, record, version)
    if not any(_differ(getattr(record, name), value) for name, value in changes.items() if name in since):
        return
    last = queries.list_events(scope, [record.id], limit=1)
    by = last[0].actor_name if last else "Someone"
    raise Conflict(
        f"{by} changed this {kind.label.lower()} while you were editing it.",
        mine=changes,
        theirs={name: getattr(record, name) for name in changes},
        version=record.version,
        by=by,
    )


def _changed_since(kind: RecordKind, record: Record, version: int) -> set[str]:
    """The fields changed since that version, by the events that made the versions in between; all if one is unknown."""
    wanted = range(version + 1, record.version + 1)
    events = queries.list_changes(kind, record.id, limit=_LOOK_BACK) if len(wanted) <= _LOOK_BACK else []
    made = {event.data.get("version"): event for event in events}
    fields = {spec.name for spec in kind.fields}
    if not wanted or any(number not in made for number in wanted):
        return fields
    status = {kind.lifecycle.field} if kind.lifecycle else set()
    return {name for number in wanted for name in made[number].data.get("changes", status)}


def _status_since(kind: RecordKind, record: Record) -> Any:
    """When the record came into its present status: its last move, or its creation."""
    moved = db.session.scalars(
        select(EventRow.at)
        .where(EventRow.subject_id == record.id, EventRow.type == f"{kind.name}.moved")
        .order_by(EventRow.id.desc())
        .limit(1)
    ).first()
    return moved or record.created_at
