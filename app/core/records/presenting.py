"""Rows turned into what a template prints: dataclasses of text, so that a template never asks the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

from babel.dates import format_timedelta
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from app.core.events import EventRow
from app.core.markdown import render_markdown
from app.core.moments import show_instant
from app.core.records.fields import Choice, Email, Field, LongText, Money, Phone, Reference, Tags, Url
from app.core.records.kind import RecordKind
from app.core.records.models import Note
from app.core.scope import Scope
from app.core.sentences import is_described, sentence


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as shown. `kind` picks the macro: text, badge, tags, link, time, long."""

    name: str
    label: str
    text: str
    kind: str = "text"
    tone: str = ""
    href: str = ""
    items: tuple[str, ...] = ()
    iso: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is next: what is due, and the instant as machines and as people read it."""

    text: str
    iso: str
    at: str
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record in a list."""

    id: UUID
    title: str
    version: int
    cells: tuple[Cell, ...]
    urgency: Reason | None = None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that happened. `changes` are (label, before, after); `body` is a note's sanitised HTML."""

    id: UUID
    icon: str
    actor: str
    text: str
    at: datetime
    changes: tuple[tuple[str, str, str], ...] = ()
    body: Markup | None = None
    detail: str = ""
    note_id: UUID | None = None
    own: bool = False


def present_row(
    scope: Scope, kind: RecordKind, row: Mapping[str, Any], columns: Sequence[str], people: Mapping[UUID, str]
) -> Row:
    cells = tuple(present_cell(scope, kind.field(name), row[name], row, people) for name in columns)
    return Row(row["id"], kind.title(row), row["version"], cells, present_urgency(scope, kind, row))


def present_urgency(scope: Scope, kind: RecordKind, row: Mapping[str, Any]) -> Reason | None:
    found = kind.urgency(row)
    return Reason(found.text, found.at.isoformat(), exact_time(scope, found.at), found.tone) if found else None


def present_cell(scope: Scope, spec: Field, value: Any, row: Mapping[str, Any], people: Mapping[UUID, str]) -> Cell:
    """A value with what its type adds: a tone, a link, the exact instant."""
    text = show(scope, spec, value, row, people)
    match spec.type:
        case _ if not text:
            return Cell(spec.name, spec.label, "", "empty")
        case Choice() as choice:
            return Cell(spec.name, spec.label, text, "badge", tone=choice.tone(value))
        case Tags():
            return Cell(spec.name, spec.label, text, "tags", items=tuple(value))
        case Email():
            return Cell(spec.name, spec.label, text, "link", href=f"mailto:{quote(value, safe='@+')}")
        case Phone():
            return Cell(spec.name, spec.label, text, "link", href=f"tel:{value}")
        case Url():
            return Cell(spec.name, spec.label, _bare(text), "outside", href=value)
        case Money():
            return Cell(spec.name, spec.label, text, numeric=True)
        case LongText():
            return Cell(spec.name, spec.label, text, "long")
        case _ if isinstance(value, datetime):
            return Cell(spec.name, spec.label, text, "time", iso=value.isoformat())
        case _ if isinstance(value, date):
            return Cell(spec.name, spec.label, text, "date", iso=value.isoformat())
        case _:
            return Cell(spec.name, spec.label, text)


# Babel reads its patterns anew for each value; the rows of a list are mostly those shown a moment ago.
_amount = lru_cache(maxsize=8192)(format_currency)


def show(scope: Scope, spec: Field, value: Any, row: Mapping[str, Any], people: Mapping[UUID, str]) -> str:
    """A value as people read it."""
    if spec.type.widget == "person":
        return people.get(value, "Someone who left") if value else ""
    if isinstance(spec.type, Money) and value is not None:
        return _amount(value, row.get(spec.type.currency_field) or scope.currency, locale=scope.locale)
    return spec.type.show(value, scope)


def present_timeline(
    scope: Scope,
    kind: RecordKind,
    events: Sequence[EventRow],
    notes: Mapping[UUID, Note],
    people: Mapping[UUID, str],
    *,
    row: int | None = None,
) -> list[TimelineItem]:
    """The events people are told of; `row` is where in its file an imported record stood."""
    items = [
        _imported(event, row) if event.type.endswith(".import") else _item(scope, kind, event, notes, people)
        for event in events
        if not event.data.get("erased")
    ]
    return [item for item in items if item is not None]


def _imported(event: EventRow, row: int | None) -> TimelineItem | None:
    text = {"imported": "imported", "undone": "took back the import of"}.get(event.data["state"])
    if text is None:
        return None
    place = f" (row {row:,})" if row and event.data["state"] == "imported" else ""
    return TimelineItem(event.id, "upload", event.actor_name, f"{text} {event.data['filename']}{place}", event.at)


def _item(
    scope: Scope, kind: RecordKind, event: EventRow, notes: Mapping[UUID, Note], people: Mapping[UUID, str]
) -> TimelineItem | None:
    data, actor = event.data, event.actor_name
    match event.type.rpartition(".")[2]:
        case "created":
            return TimelineItem(event.id, "plus", actor, f"created this {kind.label.lower()}", event.at)
        case "changed":
            changes = present_changes(scope, kind, data["changes"], people)
            return TimelineItem(event.id, "pencil", actor, "changed", event.at, changes=changes)
        case "moved":
            return _moved(scope, kind, event)
        case "noted":
            note = notes.get(UUID(data["note_id"]))
            if note is None:
                return None
            own = note.author_id == scope.user_id
            body = render_markdown(note.body)
            return TimelineItem(event.id, "note", actor, "wrote a note", event.at, body=body, note_id=note.id, own=own)
        case "note-deleted":
            return TimelineItem(event.id, "note", actor, "deleted a note", event.at)
        case "deleted":
            return TimelineItem(event.id, "trash", actor, f"deleted this {kind.label.lower()}", event.at)
        case "restored":
            return TimelineItem(event.id, "restore", actor, f"restored this {kind.label.lower()}", event.at)
        case _ if is_described(event.type):
            # What a kind of its own tells: its feature has given the words.
            return TimelineItem(event.id, "point", actor, sentence(event.type, data), event.at)
        case _:
            return None


def _moved(scope: Scope, kind: RecordKind, event: EventRow) -> TimelineItem:
    assert kind.status_type is not None
    before, after = (kind.status_type.label(event.data[side]) for side in ("before", "after"))
    lasted = format_timedelta(event.data["seconds"], locale=scope.locale)
    return TimelineItem(
        event.id,
        "arrow-right",
        event.actor_name,
        f"moved it from {before} to {after} after {lasted}",
        event.at,
        detail=event.data["reason"],
    )


def present_changes(
    scope: Scope, kind: RecordKind, changes: Mapping[str, Sequence[Any]], people: Mapping[UUID, str]
) -> tuple[tuple[str, str, str], ...]:
    """What an event says of a record's fields, in their order: label, before, after."""
    order = {spec.name: place for place, spec in enumerate(kind.fields)}
    names = sorted(changes, key=lambda name: order.get(name, len(order)))
    return tuple(_change(scope, kind, name, changes[name], people) for name in names)


def _change(
    scope: Scope, kind: RecordKind, name: str, pair: Sequence[Any], people: Mapping[UUID, str]
) -> tuple[str, str, str]:
    """A change as its event holds it in JSON, shown as people read it."""
    if not kind.has_field(name):
        return name, str(pair[0] or ""), str(pair[1] or "")
    spec = kind.field(name)
    before, after = (_from_json(scope, spec, value, people) for value in pair)
    return spec.label, before, after


def _from_json(scope: Scope, spec: Field, value: Any, people: Mapping[UUID, str]) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(spec.type, Reference):
        return spec.type.show(UUID(value), scope)
    match spec.type.widget:
        case "person":
            return people.get(UUID(value), "Someone who left")
        case "money":
            return format_decimal(value, locale=scope.locale)
        case "date":
            return spec.type.show(date.fromisoformat(value), scope)
        case "datetime-local":
            return spec.type.show(datetime.fromisoformat(value), scope)
        case _:
            return spec.type.show(value, scope)


def exact_time(scope: Scope, at: datetime) -> str:
    """An instant in the reader's zone and language."""
    return show_instant(at, scope.zone_info, scope.locale)


def _bare(url: str) -> str:
    return url.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
