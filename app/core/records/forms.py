"""Is the input well formed? Forms of every kind, read by the kind's own fields; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.errors import Invalid
from app.core.forms import whole_number
from app.core.records.fields import Boolean, Field, FieldError, ParseContext
from app.core.records.kind import RecordKind
from app.core.records.text import clean

NOTE_LENGTH = 20_000
MAX_IDS = 5_000
NONE = "none"  # what a select sends for "empty it"


@dataclass(slots=True)
class RecordForm:
    """What was typed (`raw`), what it means (`values`), and a sentence for each field that is wrong."""

    raw: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    version: int = 0


def read_record(form: Mapping[str, str], fields: Iterable[Field], context: ParseContext) -> RecordForm:
    """Reads these fields and no others, so an extra input in the request changes nothing."""
    read = RecordForm(version=whole_number(form.get("version")))
    for spec in fields:
        raw = form.get(spec.name, "")
        read.raw[spec.name] = raw
        try:
            read.values[spec.name] = spec.parse(raw, context)
        except FieldError as wrong:
            read.errors[spec.name] = str(wrong)
    return read


def read_field(form: Mapping[str, str], kind: RecordKind, spec: Field, context: ParseContext) -> RecordForm:
    """Reads one field edited in place, an amount with its currency; an unticked box says nothing and means no."""
    raw = form.get(spec.name, "no" if isinstance(spec.type, Boolean) else "")
    currency = kind.currency_of.get(spec.name)
    fields = [spec, kind.field(currency)] if currency and currency in form else [spec]
    return read_record({**form, spec.name: raw}, fields, context)


def read_resolution(form: Mapping[str, str], kind: RecordKind, context: ParseContext) -> RecordForm:
    """The fields of a conflict for which the asker keeps their own version."""
    chosen = [spec for spec in kind.editable if form.get(f"choice-{spec.name}") == "mine"]
    mine = {spec.name: form.get(f"mine-{spec.name}", "") for spec in chosen}
    return read_record({**mine, "version": form.get("version", "")}, chosen, context)


def is_resolution(form: Mapping[str, str]) -> bool:
    """Whether this answers a conflict's question."""
    return any(name.startswith("choice-") for name in form)


def read_note(form: Mapping[str, str]) -> str:
    """The note's markdown.

    Raises:
        Invalid: it is empty or too long.
    """
    body = clean(form.get("body", ""))
    if not body:
        raise Invalid({"body": "Write something first."})
    if len(body) > NOTE_LENGTH:
        raise Invalid({"body": f"A note can have {NOTE_LENGTH:,} characters at most; this has {len(body):,}."})
    return body


@dataclass(frozen=True, slots=True)
class MoveForm:
    to: str
    reason: str
    version: int


def read_move(form: Mapping[str, str]) -> MoveForm:
    """Where to and why; whether it is allowed is the lifecycle's to say."""
    reason = clean(form.get("reason", ""))
    if len(reason) > 500:
        raise Invalid({"reason": f"A reason can have 500 characters at most; this has {len(reason):,}."})
    return MoveForm(form.get("to", ""), reason, whole_number(form.get("version")))


@dataclass(frozen=True, slots=True)
class PlaceForm:
    """Where a card was dropped; `move` is the part of it that is a move."""

    by: str
    move: MoveForm
    after: UUID | None
    before: UUID | None

    @property
    def fields(self) -> dict[str, str]:
        """The rest of it, for a form that asks for the reason."""
        beside = {"after": self.after, "before": self.before}
        return {"by": self.by} | {name: str(value) for name, value in beside.items() if value}


def read_place(form: Mapping[str, str], kind: RecordKind) -> PlaceForm:
    """Malformed ids are ids of nothing: the card then goes on top."""
    by = form.get("by") or (kind.board.columns[0] if kind.board else "")
    after, before = (next(iter(_ids([form.get(name, "")])), None) for name in ("after", "before"))
    return PlaceForm(by, read_move(form), after, before)


@dataclass(frozen=True, slots=True)
class BulkForm:
    """A bulk action: which, for whom (`ids`, or everything listed), and what to set."""

    action: str
    ids: tuple[UUID, ...]
    everything: bool
    changes: dict[str, Any]
    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    to: str
    reason: str
    confirmed: bool


def read_bulk(form: Mapping[str, str], ids: Iterable[str], kind: RecordKind, context: ParseContext) -> BulkForm:
    """Raises Invalid for a malformed value; malformed ids are ids of nothing and left out."""
    action = form.get("action", "")
    tags = ()
    if action in {"tag", "untag"} and kind.has_field("tags"):
        tags = _parse_or_refuse(kind.field("tags"), form.get("tags", ""), context)
    return BulkForm(
        action=action,
        ids=tuple(_ids(ids)),
        everything=form.get("all_matching") == "1",
        changes=_bulk_changes(form, action, kind, context),
        add_tags=tags if action == "tag" else (),
        remove_tags=tags if action == "untag" else (),
        to=form.get("to", ""),
        reason=clean(form.get("reason", ""))[:500],
        confirmed=form.get("confirmed") == "1",
    )


def _bulk_changes(form: Mapping[str, str], action: str, kind: RecordKind, context: ParseContext) -> dict[str, Any]:
    """The field whose button was pressed; only "none" empties it, so an idle control cannot empty many records.

    Raises:
        Invalid: nothing is chosen, or it cannot be the field's value.
    """
    name = action.removeprefix("set:")
    if name == action or name not in kind.bulk_fields:
        return {}
    spec, raw = kind.field(name), form.get(f"set_{name}", "")
    if not raw.strip():
        raise Invalid({name: f"{spec.label}: choose what to set first."})
    return {name: _parse_or_refuse(spec, "" if raw == NONE else raw, context)}


def _parse_or_refuse(spec: Field, raw: str, context: ParseContext) -> Any:
    try:
        return spec.parse(raw, context)
    except FieldError as wrong:
        raise Invalid({spec.name: str(wrong)}) from wrong


def read_view_name(form: Mapping[str, str]) -> str:
    """Raises Invalid if the name is missing or too long."""
    name = " ".join(clean(form.get("name", "")).split())
    if not 1 <= len(name) <= 60:
        raise Invalid({"name": "Give the view a name of at most 60 characters."})
    return name


def _ids(texts: Iterable[str]) -> Iterable[UUID]:
    for text in list(texts)[: MAX_IDS + 1]:
        try:
            yield UUID(text)
        except ValueError:
            continue
