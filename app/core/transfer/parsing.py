"""Rows of a file turned into values of a record kind: compiled once an import, run a million times. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Field,
    FieldError,
    Money,
    ParseContext,
    Person,
    Tags,
    Text,
)
from app.core.records.kind import RecordKind
from app.core.records.reach import first_owner, new_owner_errors, owner_errors
from app.core.records.text import clean, fold
from app.core.transfer import mapping as mappings
from app.core.transfer.formulas import restore
from app.core.transfer.reading import Row

_REMEMBERED = 10_000
_REPETITIVE = (Boolean, Choice, Currency, Date, DateTime, Money, Person, Tags, Text)
"""Types whose cells repeat: few different ones in a whole column, or names that come again."""

Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Extras:
    """What every record of an import gets besides its cells."""

    owner_id: UUID | None = None
    tag: str = ""


@dataclass(slots=True)
class Parsed:
    """One row: the values of its filled cells, lines for the description, or why it is refused."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


class RowParser:
    """Reads only the mapped columns; an empty cell says nothing, so it overwrites nothing."""

    def __init__(self, kind: RecordKind, headers: Sequence[str], mapping: Sequence[str], context: ParseContext) -> None:
        self._headers = headers
        self._columns = [
            (index, headers[index], name, _compiled(kind.field(name), context))
            for index, name in enumerate(mapping)
            if name and name != mappings.EXTRA
        ]
        self._extra = [(index, headers[index]) for index, name in enumerate(mapping) if name == mappings.EXTRA]
        self._column_of = {name: header for _, header, name, _ in self._columns}

    def column_of(self, name: str) -> str:
        """The heading of the column a field comes from, or ""."""
        return self._column_of.get(name, "")

    def parse(self, row: Row) -> Parsed:
        """The row's values; every cell that is wrong is said, not only the first."""
        parsed = Parsed(row)
        if row.problem:
            parsed.problems.append(("", row.problem))
            return parsed
        cells, values = row.cells, parsed.values
        for index, header, name, parse in self._columns:
            cell = cells[index]
            if not cell or cell.isspace():
                continue
            try:
                value = parse(cell)
            except FieldError as wrong:
                parsed.problems.append((header, str(wrong)))
                continue
            if value is not None and value != ():
                values[name] = value
        for index, header in self._extra:
            if text := clean(restore(cells[index])):
                parsed.lines.append(f"{header}: {text}")
        return parsed


class Composer:
    """Whole sets of values: of a new record, and of one that a row updates."""

    def __init__(self, kind: RecordKind, context: ParseContext, extras: Extras) -> None:
        self._kind, self._extras = kind, extras
        self._defaults = {spec.name: spec.default for spec in kind.fields}
        if kind.lifecycle:
            self._defaults[kind.lifecycle.field] = kind.lifecycle.initial
        self._status = kind.lifecycle.field if kind.lifecycle else None
        self._money = tuple(spec.name for spec in kind.fields if isinstance(spec.type, Money))
        self._currency = next((spec.name for spec in kind.fields if isinstance(spec.type, Currency)), None)
        self._tags = next((spec for spec in kind.fields if isinstance(spec.type, Tags)), None)
        self._owner = "owner_id" if kind.has_field("owner_id") else None
        self._required = tuple(spec for spec in kind.fields if spec.required)
        self._description = mappings.description(kind)
        self._home_currency = context.scope.currency
        self._scope = context.scope

    def new(self, parsed: Parsed) -> dict[str, Any]:
        """A new record's values, whether or not they are enough for one.

        Raises:
            FieldError: a composed value is too long.
        """
        whole = self._defaults | parsed.values
        if self._owner and self._extras.owner_id and not whole[self._owner]:
            whole[self._owner] = self._extras.owner_id
        if self._owner:
            whole[self._owner] = first_owner(self._scope, self._kind, whole[self._owner])
        return self._completed(whole, parsed)

    def updated(self, before: Mapping[str, Any], parsed: Parsed) -> dict[str, Any]:
        """The record's values after the row: filled cells overwrite, the status stays what it is.

        Raises:
            FieldError: a composed value is too long.
        """
        whole = dict(before) | parsed.values
        if self._status:
            whole[self._status] = before[self._status]
        return self._completed(whole, parsed)

    def refused(self, whole: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, str]:
        """A sentence for each field that breaks a rule of the whole record, or is not the asker's to decide."""
        if errors := self._kind.check(whole):
            return errors
        if not self._owner:
            return {}
        if before is None:
            return new_owner_errors(self._scope, self._kind, whole[self._owner])
        return owner_errors(self._scope, self._kind, before[self._owner], whole[self._owner])

    def missing(self, whole: Mapping[str, Any]) -> dict[str, str]:
        """A sentence for each field that a record needs and this one lacks."""
        return {spec.name: f"{spec.label} is needed." for spec in self._required if whole[spec.name] == spec.type.empty}

    def _completed(self, whole: dict[str, Any], parsed: Parsed) -> dict[str, Any]:
        if parsed.lines and self._description:
            whole[self._description.name] = _described(self._description, whole, parsed.lines)
        if self._extras.tag and self._tags:
            whole[self._tags.name] = _tagged(self._tags, whole, self._extras.tag)
        if self._currency and not whole[self._currency] and any(whole[name] is not None for name in self._money):
            whole[self._currency] = self._home_currency
        return whole


def _compiled(spec: Field, context: ParseContext) -> Parse:
    """The type's own `parse`, with a memory where cells repeat."""
    parse = spec.type.parse  # not the field's: whether a needed value is missing is the whole record's business

    def fresh(cell: str) -> Any:
        return parse(restore(cell) if cell[0] == "'" else cell, spec, context)

    if type(spec.type) not in _REPETITIVE:
        return fresh
    known: dict[str, Any] = {}

    def remembered(cell: str) -> Any:
        if cell not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            try:
                known[cell] = fresh(cell)
            except FieldError as wrong:
                known[cell] = wrong
        value = known[cell]
        if isinstance(value, FieldError):
            raise FieldError(str(value))
        return value

    return remembered


def _described(spec: Field, whole: Mapping[str, Any], lines: Sequence[str]) -> str:
    """The description with the lines it does not have yet: importing twice adds them once."""
    text = whole[spec.name] or ""
    have = set(text.split("\n"))
    described = "\n".join(part for part in (text, *(line for line in lines if line not in have)) if part)
    if len(described) > spec.max_length:
        raise FieldError(
            f"{spec.label} can have {spec.max_length:,} characters at most; "
            f"with the added columns this has {len(described):,}."
        )
    return described


def _tagged(spec: Field, whole: Mapping[str, Any], tag: str) -> tuple[str, ...]:
    tags = tuple(whole[spec.name] or ())
    if fold(tag) in {fold(other) for other in tags}:
        return tags
    if len(tags) >= Tags.most:
        raise FieldError(f"At most {Tags.most} tags; this has {Tags.most} and one is to be added.")
    return (*tags, tag)
