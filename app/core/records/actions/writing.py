"""One record: created, changed, moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.events import publish
from app.core.records import queries
from app.core.records.actions.stale import refuse_stale, status_since
from app.core.records.actions.storing import apply_changes, currencies, stored, touch
from app.core.records.events import (
    RecordCreated,
    StatusMoved,
)
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import first_owner, new_owner_errors
from app.core.scope import Scope
from app.extensions import db


def require(scope: Scope, permission: str) -> None:
    """Raises Forbidden unless the asker's role holds the permission."""
    if not scope.may(permission):
        raise Forbidden()


def create_record(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> UUID:
    """Stores a new record and returns its id; see `make_record`."""
    return make_record(scope, kind, values).id


def make_record(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> Record:
    """Stores a new record and returns it, also if it was made for somebody whose records the asker does not see.

    Raises:
        Invalid: the values break a rule across fields, or the owner is not the asker's to choose.
    """
    whole = {spec.name: spec.default for spec in kind.fields} | dict(values)
    if kind.lifecycle:
        whole[kind.lifecycle.field] = whole.get(kind.lifecycle.field) or kind.lifecycle.initial
    whole |= currencies(scope, kind, whole)
    if errors := kind.check(whole) | _own(scope, kind, whole):
        raise Invalid(errors)
    token = hooks_of(kind).creating(scope, whole)
    fresh = {"tenant_id": scope.tenant_id, "id": new_id(), "created_at": scope.now, "updated_at": scope.now}
    record = kind.model(**(fresh | {"version": 1} | stored(kind, whole)))
    hooks_of(kind).preparing(scope, record)
    db.session.add(record)
    db.session.flush()
    publish(scope, RecordCreated(kind.name, record.id, title=kind.title(whole)))
    hooks_of(kind).created(scope, record, token)
    db.session.flush()
    return record


def _own(scope: Scope, kind: RecordKind, whole: dict[str, Any]) -> dict[str, str]:
    """Gives the new record its owner, if it is to have one; a sentence if that is not the asker's to decide."""
    if not kind.has_field("owner_id"):
        return {}
    whole["owner_id"] = first_owner(scope, kind, whole["owner_id"])
    return new_owner_errors(scope, kind, whole["owner_id"])


def update_record(scope: Scope, kind: RecordKind, record_id: UUID, version: int, changes: Mapping[str, Any]) -> Record:
    """Changes some fields of the version the asker saw.

    Raises:
        NotFound: the record is gone, or foreign, or out of sight.
        Forbidden: it is not the asker's to change.
        Conflict: somebody changed one of these fields to something else since; carries both versions.
        Invalid: the result breaks a rule across fields.
    """
    record = queries.get_record(scope, kind, record_id, lock=True, change=True)
    refuse_stale(scope, kind, record, version, changes)
    apply_changes(scope, kind, record, changes)
    return record


def move_record(scope: Scope, kind: RecordKind, record_id: UUID, version: int, to: str, reason: str = "") -> Record:
    """Moves the record to another status by the kind's lifecycle; the move, its reason and how long the record
    stood in the status before go into the timeline.

    Raises:
        Invalid: the lifecycle does not allow the move, or a reason is needed.
        Conflict: somebody moved it since.
    """
    record = queries.get_record(scope, kind, record_id, lock=True, change=True)
    lifecycle, labels = kind.lifecycle, kind.status_type
    if lifecycle is None or labels is None:
        raise NotFound(f"{kind.label_plural} have no status.")
    before = getattr(record, lifecycle.field)
    if before == to:
        return record
    refuse_stale(scope, kind, record, version, {lifecycle.field: to})
    if not lifecycle.can_move(before, to):
        raise Invalid({lifecycle.field: f"{labels.label(before)} cannot become {labels.label(to)}."})
    if to in lifecycle.reasoned and not reason:
        raise Invalid({"reason": f"Say why: {labels.label(to)} needs a reason."})
    hooks_of(kind).checking(scope, record, to)
    since = status_since(kind, record)
    setattr(record, lifecycle.field, to)
    touch(scope, record)
    seconds = max(0, int((scope.now - since).total_seconds()))
    told = {"before": before, "after": to, "reason": reason, "seconds": seconds, "version": record.version}
    publish(scope, StatusMoved(kind.name, record.id, **told))
    hooks_of(kind).moved(scope, record, before, to)
    db.session.flush()
    return record
