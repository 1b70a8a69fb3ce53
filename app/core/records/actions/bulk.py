"""Many records at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.errors import Invalid
from app.core.records import queries
from app.core.records.actions.storing import apply_changes, locked, values_of
from app.core.records.actions.writing import move_record
from app.core.records.fields import Tags
from app.core.records.kind import RecordKind
from app.core.records.listing import ListRequest
from app.core.records.reach import owners_changed, owners_seen
from app.core.records.text import fold
from app.core.scope import Scope
from app.extensions import db

BULK_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """What a bulk action is for; `spared` more were chosen that the asker sees and may not change."""

    ids: list[UUID]
    spared: int = 0


def select_records(
    scope: Scope, kind: RecordKind, ids: Sequence[UUID], request: ListRequest | None = None
) -> Selection:
    """The ids a bulk action is for: those ticked, or with `request` everything its list shows.

    Raises:
        Invalid: nothing is selected, nothing of it may be changed, or there are more than 5,000.
    """
    chosen, spared = _chosen(scope, kind, ids, request)
    if not chosen and spared:
        raise Invalid({"": f"None of these {kind.label_plural.lower()} are yours to change."})
    if not chosen:
        raise Invalid({"": f"Select some {kind.label_plural.lower()} first."})
    if len(chosen) > BULK_LIMIT:
        raise Invalid({"": f"At most {BULK_LIMIT:,} at once. Narrow the list with a filter, then do the rest."})
    return Selection(chosen, spared)


def _chosen(scope: Scope, kind: RecordKind, ids: Sequence[UUID], request: ListRequest | None) -> tuple[list[UUID], int]:
    if request is not None:
        chosen = queries.list_ids(scope, kind, request, BULK_LIMIT + 1, change=True)
        if owners_changed(scope, kind) == owners_seen(scope, kind):
            return chosen, 0
        return chosen, max(0, queries.count_records(scope, kind, request, exact=True).value - len(chosen))
    ticked = list(dict.fromkeys(ids))
    return (ticked, 0) if owners_changed(scope, kind) is None else queries.list_changeable(scope, kind, ticked)


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
        records = locked(scope, kind, ids)
        for record in records:
            tags = {fold(tag): tag for tag in (*add_tags, *record.tags)}
            kept = [tags[key] for key in dict.fromkeys(map(fold, (*record.tags, *add_tags))) if key not in gone]
            if add_tags and len(kept) > Tags.most:
                title = kind.title(values_of(kind, record))
                raise Invalid({"tags": f"{title} would have {len(kept)} tags; {Tags.most} is the most."})
            own = dict(changes) | ({"tags": kept} if add_tags or remove_tags else {})
            apply_changes(scope, kind, record, own)
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
    records = locked(scope, kind, ids)
    movable = [record for record in records if lifecycle.can_move(getattr(record, lifecycle.field), to)]
    for record in movable:
        move_record(scope, kind, record.id, record.version, to, reason)
    return len(movable), len(records) - len(movable)
