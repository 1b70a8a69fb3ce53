"""Values out of a set: options, yes and no, people, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from app.core.records.fields.field import Field, FieldError, FieldType, Names, ParseContext
from app.core.records.text import fold, split_tags
from app.core.scope import Scope


@dataclass(frozen=True)
class Choice(FieldType):
    """One of a closed set; `options` are (value, label, tone), `others` what other systems call a value.

    `nothing` is the value that is shown as nothing.
    """

    options: tuple[tuple[str, str, str], ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    nothing: str | None = None
    widget: ClassVar[str] = "select"
    operators: ClassVar[tuple[str, ...]] = ("in",)

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        wanted = fold(text)
        for value, label, _ in self.options:
            if wanted in (value, fold(label)):
                return value
        if wanted in self.others:
            return self.others[wanted]
        known = ", ".join(label for _, label, _ in self.options[:12])
        raise FieldError(f"{spec.label} cannot be “{text[:40]}”. It can be: {known}.")

    def label(self, value: str | None) -> str:
        return next((label for known, label, _ in self.options if known == value), value or "")

    def tone(self, value: str | None) -> str:
        return next((tone for known, _, tone in self.options if known == value), "neutral")

    def show(self, value: Any, scope: Scope) -> str:
        return "" if value == self.nothing else self.label(value)


class Boolean(FieldType):
    widget = "checkbox"
    operators = ("is",)
    empty = False
    _words: ClassVar[dict[str, bool]] = {
        **dict.fromkeys(("1", "true", "yes", "y", "on", "t", "x"), True),
        **dict.fromkeys(("0", "false", "no", "n", "off", "f", "-"), False),
    }

    def convert(self, text: str, spec: Field, context: ParseContext) -> bool:
        try:
            return self._words[fold(text)]
        except KeyError as wrong:
            raise FieldError(f"{spec.label}: write yes or no, not “{text[:40]}”.") from wrong

    def text(self, value: Any, scope: Scope) -> str:
        return "yes" if value else "no"

    def show(self, value: Any, scope: Scope) -> str:
        return "Yes" if value else "No"


class Person(FieldType):
    """A user of the tenant, typed as id, e-mail address or full name."""

    widget = "person"
    operators = ("in",)

    def sought(self, raw: str, spec: Field, context: ParseContext) -> UUID | None:
        """`me` is whoever asks."""
        return context.scope.user_id if raw == "me" else self.parse(raw, spec, context)

    def basis(self, raw: str, scope: Scope) -> str:
        return str(scope.user_id) if raw == "me" else ""

    def convert(self, text: str, spec: Field, context: ParseContext) -> UUID:
        person = context.people.get(fold(text))
        if person is None:
            raise FieldError(f"{spec.label}: nobody here is called “{text[:80]}”.")
        return person


@dataclass(frozen=True, slots=True)
class Named:
    """One thing of the tenant's own that a field can point at; one that is not active can be kept, not chosen."""

    id: UUID
    name: str
    active: bool = True


@dataclass(frozen=True)
class Reference(FieldType):
    """One of the tenant's own things, such as its categories: stored as id, typed as id or name.

    `load` gives them in the order they are offered; it is asked for every value shown, so it is cached, under `kind`.
    `of_asker` gives those a filter for `mine` means.
    """

    load: Callable[[Scope], Sequence[Named]]
    what: str
    kind: str
    of_asker: Callable[[Scope], Sequence[UUID]] | None = None
    widget: ClassVar[str] = "select"
    operators: ClassVar[tuple[str, ...]] = ("in",)
    longest: ClassVar[int] = 60

    def sought(self, raw: str, spec: Field, context: ParseContext) -> Any:
        """`mine` are those of whoever asks, where that means something."""
        if raw == "mine" and self.of_asker:
            return tuple(self.of_asker(context.scope))
        return self.parse(raw, spec, context)

    def basis(self, raw: str, scope: Scope) -> str:
        return ",".join(map(str, self.of_asker(scope))) if raw == "mine" and self.of_asker else ""

    def convert(self, text: str, spec: Field, context: ParseContext) -> UUID:
        if spec.name in context.names:
            return self._of_file(text, spec, context.names[spec.name])
        wanted, there = fold(text), self.load(context.scope)
        for one in there:
            if wanted in (str(one.id), fold(one.name)):
                return one.id
        names = ", ".join(one.name for one in there if one.active)
        known = f" There are: {names[:200]}." if names else f" There is no {self.what} yet."
        raise FieldError(f"{spec.label}: there is no {self.what} called “{text[:40]}”.{known}")

    def _of_file(self, text: str, spec: Field, names: Names) -> UUID:
        found = names.known.get(fold(text))
        name = " ".join(text.split())
        if found is None and len(name) <= self.longest:
            found = names.add(fold(name), name)
        if found is None:
            more = f"; a file can bring {names.most} new ones of at most {self.longest} letters" if names.most else ""
            raise FieldError(f"{spec.label}: there is no {self.what} called “{text[:40]}”{more}.")
        return found

    def show(self, value: Any, scope: Scope) -> str:
        if value is None:
            return ""
        return next((one.name for one in self.load(scope) if one.id == value), f"A {self.what} that is gone")


class WholeNumber(FieldType):
    """A number that counts or names, such as a ticket's."""

    widget = "number"

    def convert(self, text: str, spec: Field, context: ParseContext) -> int:
        digits = text.lstrip("#").strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise FieldError(f"{spec.label}: “{text[:40]}” is not a whole number.")
        return int(digits)


class Tags(FieldType):
    widget = "tags"
    operators = ("tagged",)
    empty = ()
    most: ClassVar[int] = 30
    longest: ClassVar[int] = 50

    def convert(self, text: str, spec: Field, context: ParseContext) -> tuple[str, ...]:
        tags = split_tags(text)
        if len(tags) > self.most:
            raise FieldError(f"At most {self.most} tags; this has {len(tags)}.")
        if too_long := next((tag for tag in tags if len(tag) > self.longest), None):
            raise FieldError(f"A tag can have {self.longest} characters at most: “{too_long[:60]}…” is longer.")
        return tags

    def text(self, value: Any, scope: Scope) -> str:
        return ", ".join(value or ())
