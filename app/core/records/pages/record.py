"""One record: its fields, its timeline, a field edited in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core import people
from app.core.errors import Conflict, NotFound
from app.core.records import queries
from app.core.records.actions import values_of
from app.core.records.fields import Field
from app.core.records.forms import RecordForm
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.pages.inputs import FormInput, filled_form, form_input, offered
from app.core.records.presenting import (
    Cell,
    TimelineItem,
    exact_time,
    present_cell,
    present_timeline,
    show,
)
from app.core.records.reach import may_change
from app.core.scope import Scope

_TIMELINE = 30


@dataclass(frozen=True, slots=True)
class RecordPage:
    record_id: UUID
    title: str
    version: int
    status: Cell | None
    moves: list[tuple[str, str, bool]]
    groups: list[tuple[str, list[tuple[Cell, bool]]]]
    timeline: list[TimelineItem]
    older: UUID | None
    created: datetime
    updated: datetime
    item_time: Callable[[TimelineItem], str]
    note: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    may_change: bool = True
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class FieldPage:
    """One field in place: shown, or being edited; `theirs` is set when somebody else changed it meanwhile."""

    record_id: UUID
    cell: Cell
    spec: Field
    version: int
    can_edit: bool
    input: FormInput | None = None
    message: str = ""
    theirs: str = ""
    title: str = ""


def record_page(
    scope: Scope,
    kind: RecordKind,
    record: Record,
    *,
    before: UUID | None = None,
    note: str = "",
    errors: dict[str, str] | None = None,
    timeline: bool = True,
) -> RecordPage:
    """What a record's page shows; without its `timeline` where something else tells what happened."""
    values, names = values_of(kind, record), people.names_of(scope)
    subjects = [record.id, *([record.import_id] if record.import_id else [])]
    events = queries.list_events(scope, subjects, before=before, limit=_TIMELINE + 1) if timeline else []
    note_ids = [UUID(event.data["note_id"]) for event in events if event.type == f"{kind.name}.noted"]
    notes = queries.list_notes(scope, kind, record.id, note_ids)
    older = events[_TIMELINE - 1].id if len(events) > _TIMELINE else None
    return RecordPage(
        record_id=record.id,
        title=kind.title(values),
        version=record.version,
        status=_status_cell(scope, kind, values),
        moves=_moves(kind, values) if may_change(scope, kind, record.owner_id) else [],
        groups=_groups(scope, kind, record, names),
        timeline=present_timeline(scope, kind, events[:_TIMELINE], notes, names, row=record.import_row),
        older=older,
        created=record.created_at,
        updated=record.updated_at,
        item_time=lambda item: exact_time(scope, item.at),
        note=note,
        errors=errors or {},
        may_change=may_change(scope, kind, record.owner_id),
        before=before,
    )


def inline_field(kind: RecordKind, name: str) -> Field:
    """Raises NotFound for a field that is not edited in place."""
    spec = kind.field(name)
    if not (spec.inline and spec.editable):
        raise NotFound(f"{spec.label} cannot be edited here.")
    return spec


def field_page(
    scope: Scope,
    kind: RecordKind,
    record: Record,
    spec: Field,
    *,
    editing: bool = False,
    form: RecordForm | None = None,
    conflict: Conflict | None = None,
) -> FieldPage:
    values, names = values_of(kind, record), people.names_of(scope)
    shown = filled_form(scope, kind, record) if form is None else form
    wants_input = editing or form is not None
    return FieldPage(
        record_id=record.id,
        cell=present_cell(scope, spec, getattr(record, spec.name), values, names),
        spec=spec,
        version=record.version,
        can_edit=spec in _editable(scope, kind, record),
        input=form_input(scope, kind, spec, shown) if wants_input else None,
        message=conflict.message if conflict else "",
        theirs=show(scope, spec, conflict.theirs[spec.name], values, names) if conflict else "",
        title=kind.title(values),
    )


def _status_cell(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> Cell | None:
    if kind.lifecycle is None:
        return None
    spec = kind.field(kind.lifecycle.field)
    return present_cell(scope, spec, values[spec.name], values, {})


def _moves(kind: RecordKind, values: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """The moves allowed now: (status, label, whether a reason is asked)."""
    if kind.lifecycle is None or kind.status_type is None:
        return []
    allowed = kind.lifecycle.moves.get(values[kind.lifecycle.field], ())
    return [(to, kind.status_type.label(to), to in kind.lifecycle.reasoned) for to in allowed]


def _groups(
    scope: Scope, kind: RecordKind, record: Record, names: Mapping[UUID, str]
) -> list[tuple[str, list[tuple[Cell, bool]]]]:
    """The fields by group, each with whether the asker may edit it in place."""
    values, editable = values_of(kind, record), _editable(scope, kind, record)
    groups: dict[str, list[tuple[Cell, bool]]] = {}
    for spec in kind.facts(kind.fields):
        if kind.lifecycle and spec.name == kind.lifecycle.field:
            continue
        cell = present_cell(scope, spec, values[spec.name], values, names)
        groups.setdefault(spec.group, []).append((cell, spec in editable))
    return list(groups.items())


def _editable(scope: Scope, kind: RecordKind, record: Record) -> tuple[Field, ...]:
    """The fields of this record that the asker may edit in place."""
    if not (scope.may(kind.permission("update")) and may_change(scope, kind, record.owner_id)):
        return ()
    return tuple(spec for spec in offered(scope, kind) if spec.inline)
