"""How values become columns, and a change an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.core.errors import Invalid
from app.core.events import publish
from app.core.records import queries
from app.core.records.events import (
    RecordChanged,
)
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import owner_errors
from app.core.scope import Scope
from app.extensions import db


def values_of(kind: RecordKind, record: Record) -> dict[str, Any]:
    """The record's fields by name."""
    return {spec.name: getattr(record, spec.name) for spec in kind.fields}


def stored(kind: RecordKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a full set of values: the fields and what is derived from them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()} | kind.derive(
        values
    )


def apply_changes(scope: Scope, kind: RecordKind, record: Record, changes: Mapping[str, Any]) -> None:
    """Writes the changes that differ, with what is derived, and publishes them as one event."""
    before = values_of(kind, record)
    changes = dict(changes) | currencies(scope, kind, before | dict(changes))
    after = before | changes
    changed = {name: (before[name], after[name]) for name in changes if differ(before[name], after[name])}
    if not changed:
        return
    if errors := kind.check(after) | owner_errors(scope, kind, record.owner_id, after.get("owner_id", record.owner_id)):
        raise Invalid(errors)
    for name, value in stored(kind, after).items():
        if differ(getattr(record, name), value):
            setattr(record, name, value)
    touch(scope, record)
    publish(scope, RecordChanged(kind.name, record.id, changes=changed, version=record.version))
    hooks_of(kind).changed(scope, record, changed)
    db.session.flush()


def currencies(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> dict[str, str]:
    """An amount without a currency is in the tenant's."""
    return {
        currency: scope.currency
        for amount, currency in kind.currency_of.items()
        if values[amount] is not None and not values[currency]
    }


def touch(scope: Scope, record: Record) -> None:
    record.version += 1
    record.updated_at = scope.now


def differ(before: Any, after: Any) -> bool:
    return (list(before) if isinstance(before, list | tuple) else before) != (
        list(after) if isinstance(after, list | tuple) else after
    )


def locked(scope: Scope, kind: RecordKind, ids: Sequence[UUID]) -> Sequence[Record]:
    """The live ones of these records that the asker may change, locked in one order so that two bulk actions cannot
    wait for each other."""
    query = queries.live(scope, kind).where(kind.model.id.in_(ids), *queries.changeable(scope, kind))
    query = query.order_by(kind.model.id)
    return db.session.scalars(queries.locked(query)).all()
