"""A kind's JSON Schemas, from its fields: what is read, what is sent, what a list can be asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.openapi import Query, obj, text
from app.core.openapi.describing import READ_ONLY, SENTENCE
from app.core.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Email,
    Field,
    Money,
    Person,
    Reference,
    Tags,
    WholeNumber,
)
from app.core.records.kind import RecordKind
from app.core.records.listing import MAX_QUERY, PAGE_SIZE

MOST = 100
_ID = {"type": "string", "format": "uuid", "examples": ["01900000-0000-7000-8000-000000000000"]}
_INSTANT = {"type": "string", "format": "date-time", "examples": ["2026-11-21T09:30:00Z"]}
_AMOUNT = r"^(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,2})?$"
_TAG = r"^[^,;\n]*[^,;\s][^,;\n]*$"


@dataclass(frozen=True, slots=True)
class Schemas:
    """What a kind's resource says of its bodies and its address."""

    record: dict[str, Any]
    new: dict[str, Any]
    change: dict[str, Any]
    page: dict[str, Any]
    query: tuple[Query, ...]


def schemas_of(kind: RecordKind) -> Schemas:
    """Made once a kind: a schema is compared by identity when bodies are checked."""
    name = "".join(word.title() for word in kind.label.split())
    record = _record(kind, name)
    return Schemas(record, _new(kind, name), _change(kind, name), _page(kind, name, record), _query(kind))


def _record(kind: RecordKind, name: str) -> dict[str, Any]:
    whole: dict[str, Any] = {"id": _ID, "version": {"type": "integer", "minimum": 1}}
    whole |= {spec.name: field_schema(spec) for spec in kind.fields}
    whole |= {"created_at": _INSTANT, "updated_at": _INSTANT}
    return obj(whole, required=tuple(whole), title=name, description=f"A {kind.label.lower()} as it is stored.")


def _new(kind: RecordKind, name: str) -> dict[str, Any]:
    fields = {spec.name: field_schema(spec, sent=True) for spec in kind.editable}
    told: dict[str, Any] = {
        "title": f"New{name}",
        "description": f"A {kind.label.lower()} to be made. What is left out is empty.",
        READ_ONLY: _read_only(kind, fields),
    }
    needed = (spec for spec in kind.editable if spec.required and spec.default is None)
    return obj(fields, required=tuple(spec.name for spec in needed), **told)


def _change(kind: RecordKind, name: str) -> dict[str, Any]:
    fields = {spec.name: field_schema(spec, sent=True) for spec in kind.editable}
    if kind.lifecycle and kind.status_type:
        values = [value for value, _, _ in kind.status_type.options]
        fields[kind.lifecycle.field] = {"enum": values, "description": "Moves it, if its lifecycle allows that."}
        fields["reason"] = text(500, description="Why it is moved; some statuses need it.")
    fields["version"] = {
        "type": "integer",
        "minimum": 1,
        "maximum": 2**31 - 1,
        "description": "The version you read, if you send no If-Match.",
    }
    told: dict[str, Any] = {
        "title": f"{name}Change",
        "description": "What is to be changed. What is left out stays, null empties.",
        "minProperties": 1,
        READ_ONLY: _read_only(kind, fields),
        SENTENCE: "Send something to change.",
    }
    return obj(fields, **told)


def _page(kind: RecordKind, name: str, record: dict[str, Any]) -> dict[str, Any]:
    cursor = {"type": ["string", "null"], "description": "Send it as `cursor`; null at the end."}
    count = obj(
        {"value": {"type": "integer", "minimum": 0}, "capped": {"type": "boolean"}},
        required=("value", "capped"),
        description="How many there are; capped means at least so many.",
    )
    items = {"type": "array", "items": record, "maxItems": MOST}
    return obj(
        {"items": items, "next": cursor, "previous": cursor, "count": count},
        required=("items", "next", "previous", "count"),
        title=f"{name}Page",
        description=f"{kind.label_plural} of one page.",
    )


def _read_only(kind: RecordKind, fields: dict[str, Any]) -> list[str]:
    """Columns that are there and cannot be sent: naming one deserves a better sentence than "no such field"."""
    columns = {column.name for column in kind.model.__table__.columns}  # type: ignore[attr-defined]
    return sorted(columns - set(fields))


def field_schema(spec: Field, *, sent: bool = False) -> dict[str, Any]:
    """A field's value in JSON; what may be `sent` is told as strictly as it is read."""
    told: dict[str, Any] = {"description": spec.label}
    null = not spec.required
    match spec.type:
        case Boolean():
            return told | {"type": "boolean"}
        case Tags() as tags:
            item = text(tags.longest, least=1) | ({"pattern": _TAG} if sent else {})
            return told | {"type": "array", "items": item, "maxItems": tags.most}
        case Choice() as choice:
            values: list[str | None] = [value for value, _, _ in choice.options]
            return told | {"enum": [*values, None] if null else values}
        case Money():
            return told | _string(null, examples=["1250.50"]) | ({"pattern": _AMOUNT} if sent else {})
        case Currency():
            return told | _string(null, pattern=r"^[A-Z]{3}$", examples=["EUR"])
        case Date():
            return told | _string(null, format="date", examples=["2026-11-21"])
        case DateTime():
            return told | _string(null, format="date-time", examples=["2026-11-21T09:30:00Z"])
        case Person() | Reference():
            return told | _string(null, format="uuid")
        case WholeNumber():
            return told | {"type": ["integer", "null"] if null else "integer", "minimum": 0}
        case Email():
            return told | text(254, null=null, format="email", examples=["ida@example.com"])
        case _:
            return told | text(spec.max_length, null=null, least=1 if sent and not null else 0)


def _string(null: bool, **more: Any) -> dict[str, Any]:
    return {"type": ["string", "null"] if null else "string"} | more


def _query(kind: RecordKind) -> tuple[Query, ...]:
    """The parameters of a list: those of its page."""
    sorts = [sort.name for sort in kind.sorts]
    own = (
        Query("q", "What to search for.", text(MAX_QUERY)),
        Query("sort", f"In which order; `{sorts[0]}` if left out.", {"enum": sorts}),
        Query("cursor", "Where the page begins: `next` or `previous` of another page.", text(500)),
        Query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE_SIZE}),
    )
    return own + tuple(_filter(spec, operator) for spec in kind.filters for operator in spec.type.operators)


def _filter(spec: Field, operator: str) -> Query:
    match operator:
        case "in" if isinstance(spec.type, Choice):
            values = [value for value, _, _ in spec.type.options]
            told = f"{spec.label}: one of these; `none` for none."
            return Query(spec.name, told, {"enum": [*values, "none"]}, many=True)
        case "in":
            return Query(spec.name, f"{spec.label}: ids; `none` for nobody.", text(254, least=1), many=True)
        case "tagged":
            return Query(spec.name, f"{spec.label}: all of these.", text(Tags.longest, least=1), many=True)
        case "holds":
            return Query(spec.name, f"{spec.label}, as a page of figures links to it.", text(200, least=1))
        case "is":
            return Query(spec.name, f"{spec.label}: true or false.", {"type": "boolean"})
        case "min" | "max":
            told = f"{spec.label}: at {'least' if operator == 'min' else 'most'}."
            return Query(f"{spec.name}_{operator}", told, {"type": "string", "pattern": _AMOUNT})
        case _:
            told = f"{spec.label}: {'from' if operator == 'from' else 'until'} this day."
            return Query(f"{spec.name}_{operator}", told, {"type": "string", "format": "date"})
