"""Events as the page and the file show them: a sentence, what it changed, where the record is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit.models import Alert
from app.audit.queries import LogPage
from app.audit.rules import rule_named
from app.core.chain_check import ERASED
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.presenting import present_changes
from app.core.scope import Scope
from app.core.sentences import sentence

Change = tuple[str, str, str]
_HIDDEN = {"version", "seconds", "deletion_id", "note_id", "event_id", "title"}
_MOST = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `record` is the plural of its kind and its id if the reader may open it."""

    id: UUID
    at: datetime
    actor: str
    text: str
    type: str
    changes: tuple[Change, ...]
    facts: tuple[tuple[str, str], ...]
    chained: bool
    subject_id: UUID
    record: tuple[str, str] | None = None
    alert: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class AlertLine:
    id: UUID
    title: str
    at: datetime
    person: str
    count: int
    event_id: UUID


def present_log(scope: Scope, page: LogPage, people: Mapping[UUID, str]) -> list[Entry]:
    return [_entry(scope, event, page, people) for event in page.events]


def present_alerts(alerts: Sequence[Alert], people: Mapping[UUID, str]) -> list[AlertLine]:
    return [
        AlertLine(row.id, _title(row.rule), row.at, people.get(row.person_id, "") if row.person_id else "",
                  row.count, row.event_id)
        for row in alerts
    ]  # fmt: skip


def said(event: Any, people: Mapping[UUID, str], title: str = "") -> str:
    """The sentence of an event, without who did it."""
    if event.data == ERASED:
        return f"{sentence(event.type, {}, 'something')} (erased)"
    return sentence(
        event.type, event.data, title or people.get(event.subject_id, "") or str(event.data.get("title", ""))
    )


def details(
    scope: Scope, event: Any, people: Mapping[UUID, str]
) -> tuple[tuple[Change, ...], tuple[tuple[str, str], ...]]:
    """What changed from what to what, and whatever else the event holds."""
    data = {} if event.data == ERASED else dict(event.data)
    changes: tuple[Change, ...] = ()
    kind = _kind(event.subject_kind)
    if kind is not None and isinstance(data.get("changes"), dict):
        changes = present_changes(scope, kind, data.pop("changes"), people)
    elif isinstance(data.get("before"), dict) or isinstance(data.get("after"), dict):
        changes = _sides(data.pop("before", None) or {}, data.pop("after", None) or {})
    facts = ((_label(name), _text(value, people)) for name, value in data.items() if name not in _HIDDEN)
    return changes, tuple((label, text) for label, text in facts if text)


def _entry(scope: Scope, event: Any, page: LogPage, people: Mapping[UUID, str]) -> Entry:
    title = page.titles.get((event.subject_kind, event.subject_id))
    kind = _kind(event.subject_kind)
    changes, facts = details(scope, event, people)
    return Entry(
        event.id, event.at, event.actor_name, said(event, people, title or ""), event.type, changes, facts,
        event.id in page.chained, event.subject_id,
        record=(kind.plural, title) if kind and title is not None else None,
        alert=event.type == "alert.raised", erased=event.data == ERASED,
    )  # fmt: skip


def _sides(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    sides = ((_label(name), _text(before.get(name), {}), _text(after.get(name), {})) for name in {**before, **after})
    return tuple(side for side in sides if side[1] != side[2])


def _text(value: Any, people: Mapping[UUID, str]) -> str:
    """Any JSON as a line; an id of a person becomes their name."""
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_text(item, people) for item in value)[:_MOST]
        case dict():
            return "; ".join(f"{_label(name)}: {_text(item, people)}" for name, item in value.items())[:_MOST]
        case str() if len(value) == 36 and value.count("-") == 4:
            try:
                return people.get(UUID(value), value)
            except ValueError:
                return value
        case _:
            return str(value)[:_MOST]


def _label(name: str) -> str:
    return {"ip": "IP address", "user_id": "Person"}.get(name, name.replace("_", " ").capitalize())


def _kind(name: str) -> RecordKind | None:
    return next((kind for kind in all_kinds() if kind.name == name), None)


def _title(rule: str) -> str:
    found = rule_named(rule)
    return found.title if found else rule
