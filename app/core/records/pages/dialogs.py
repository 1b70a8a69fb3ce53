"""The questions asked before something is done: conflict, deletion, move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.core import people
from app.core.errors import Conflict
from app.core.records.actions import values_of
from app.core.records.forms import MoveForm, RecordForm
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.presenting import (
    show,
)
from app.core.scope import Scope

NAMED = 5


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Both versions of what differs, as the conflict macro takes them."""

    by: str
    at: datetime
    rows: list[dict[str, str]]
    version: int
    record_id: UUID
    action: str


@dataclass(frozen=True, slots=True)
class DeletePage:
    names: list[str]
    count: int
    ids: tuple[UUID, ...]
    action: str
    spared: int = 0

    @property
    def id_texts(self) -> list[str]:
        return [str(record_id) for record_id in self.ids]


@dataclass(frozen=True, slots=True)
class MovePage:
    record_id: UUID
    title: str
    version: int
    to: str
    to_label: str
    reason: str
    needs_reason: bool
    errors: Mapping[str, str]
    action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def conflict_page(
    scope: Scope, kind: RecordKind, record: Record, form: RecordForm, conflict: Conflict, action: str
) -> ConflictPage:
    names = people.names_of(scope)
    rows = []
    for name, mine in conflict.mine.items():
        spec, theirs = kind.field(name), conflict.theirs[name]
        raw_theirs = spec.type.text(theirs, scope)
        if spec.type.text(mine, scope) != raw_theirs:
            sides = {
                "mine": show(scope, spec, mine, conflict.mine, names),
                "mine_value": form.raw.get(name, ""),
                "theirs": show(scope, spec, theirs, conflict.theirs, names),
            }
            rows.append({"name": name, "label": spec.label, **sides})
    return ConflictPage(conflict.by or "Someone", record.updated_at, rows, record.version, record.id, action)


def delete_page(
    scope: Scope,
    kind: RecordKind,
    records: Sequence[Record],
    action: str,
    *,
    ids: Sequence[UUID] = (),
    spared: int = 0,
) -> DeletePage:
    names = [kind.title(values_of(kind, record)) for record in records[:NAMED]]
    return DeletePage(names, len(ids) or len(records), tuple(ids), action, spared)


def move_page(
    scope: Scope,
    kind: RecordKind,
    record: Record,
    form: MoveForm,
    errors: Mapping[str, str],
    *,
    action: str = "",
    fields: Mapping[str, str] | None = None,
) -> MovePage:
    """`action` and `fields` are where the form goes and what it says beside, if not to the move itself."""
    assert kind.lifecycle is not None
    assert kind.status_type is not None
    return MovePage(
        record_id=record.id,
        title=kind.title(values_of(kind, record)),
        version=record.version,
        to=form.to,
        to_label=kind.status_type.label(form.to),
        reason=form.reason,
        needs_reason=form.to in kind.lifecycle.reasoned,
        errors=errors,
        action=action,
        fields=fields or {},
    )
