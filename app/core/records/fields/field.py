"""What every type of field is: how a value is read, written and shown; and a field itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from app.core.clock import new_id
from app.core.records.text import clean
from app.core.scope import Scope


class FieldError(ValueError):
    """What was typed cannot be this field's value; the message is a sentence for the person."""


@dataclass(slots=True)
class Names:
    """The tenant's own things a field can point at, by folded name and by id, for many rows at once.

    `most` new ones may be named: each gets an id, and stands in `fresh` until somebody makes it.
    """

    known: dict[str, UUID]
    most: int = 0
    fresh: dict[UUID, str] = field(default_factory=dict)
    named: int = 0

    def add(self, key: str, name: str) -> UUID | None:
        """The id of a new thing of this name; None if no more may be made."""
        if self.named >= self.most:
            return None
        self.named += 1
        self.known[key] = new_id()
        self.fresh[self.known[key]] = name
        return self.known[key]


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What parsing may need to know: the asker, people by id, address and name (all lower case), and for a file the
    things its fields point at, since its rows are read where no database is."""

    scope: Scope
    people: Mapping[str, UUID] = field(default_factory=dict)
    day_first: bool = False
    names: Mapping[str, Names] = field(default_factory=dict)


class FieldType:
    """Base of the types: short text. `widget` names the input macro, `operators` what a filter can do."""

    widget: ClassVar[str] = "text"
    operators: ClassVar[tuple[str, ...]] = ()
    empty: ClassVar[Any] = None

    def parse(self, raw: str, spec: Field, context: ParseContext) -> Any:
        """The value of `raw`, or `empty` if it is blank.

        Raises:
            FieldError: with a sentence that says what is wrong and what would be right.
        """
        text = clean(raw)
        if not text:
            return self.empty
        if len(text) > spec.max_length:
            raise FieldError(f"{spec.label} can have {spec.max_length:,} characters at most; this has {len(text):,}.")
        return self.convert(text, spec, context)

    def convert(self, text: str, spec: Field, context: ParseContext) -> Any:
        return " ".join(text.split())

    def sought(self, raw: str, spec: Field, context: ParseContext) -> Any:
        """The value a filter asks for: as `parse` reads it, or relative to whoever asks and when.

        Raises:
            FieldError: as `parse`.
        """
        return self.parse(raw, spec, context)

    def basis(self, raw: str, scope: Scope) -> str:
        """What a filter by `raw` depends on beside the address, for cache keys; empty if on nothing."""
        return ""

    def text(self, value: Any, scope: Scope) -> str:
        return "" if value is None else str(value)

    def show(self, value: Any, scope: Scope) -> str:
        return self.text(value, scope)


class Text(FieldType):
    pass


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record kind.

    `name` is the model's column and the form's input. `sort` names the column that sorts it, if any does.
    `aliases` are further headings an import recognises. `inline` allows editing in place. `importable` lets a file set
    what people do not edit.
    """

    name: str
    label: str
    type: FieldType = field(default_factory=Text)
    max_length: int = 200
    required: bool = False
    group: str = ""
    help: str = ""
    autocomplete: str = "off"
    aliases: tuple[str, ...] = ()
    sort: str | None = None
    inline: bool = True
    editable: bool = True
    filterable: bool = False
    default: Any = None
    importable: bool = False

    def parse(self, raw: str, context: ParseContext) -> Any:
        """The value of `raw`.

        Raises:
            FieldError: it is malformed, too long, or missing though required and without a default.
        """
        value = self.type.parse(raw, self, context)
        if value == self.type.empty and self.default is not None:
            return self.default
        if self.required and value == self.type.empty:
            raise FieldError(f"{self.label} is needed.")
        return value
