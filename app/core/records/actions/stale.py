"""Two who write at once: what was changed since the version the asker saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.core.errors import Conflict
from app.core.events import EventRow
from app.core.records import queries
from app.core.records.actions.storing import differ
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.scope import Scope
from app.extensions import db

_LOOK_BACK = 50


def refuse_stale(scope: Scope, kind: RecordKind, record: Record, version: int, changes: Mapping[str, Any]) -> None:
    """Raises Conflict, with both versions of what was to be changed, if it was changed since `version`."""
    if record.version == version:
        return
    since = _changed_since(kind, record, version)
    if not any(differ(getattr(record, name), value) for name, value in changes.items() if name in since):
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


def status_since(kind: RecordKind, record: Record) -> Any:
    """When the record came into its present status: its last move, or its creation."""
    moved = db.session.scalars(
        select(EventRow.at)
        .where(EventRow.subject_id == record.id, EventRow.type == f"{kind.name}.moved")
        .order_by(EventRow.id.desc())
        .limit(1)
    ).first()
    return moved or record.created_at
