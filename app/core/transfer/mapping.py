"""Which column of a file is which field: guessed from the headings, corrected by people, remembered. Pure.

A mapping has one entry a column: a field's name, "" (left out), or `EXTRA` (kept as a line "Heading: value"
of the description).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.records.fields import Field, LongText
from app.core.records.kind import RecordKind
from app.core.records.text import fold, words

EXTRA = "+description"
PROBLEM = "Problem"
"""Heading of the last column of our own file of refused rows."""

SKIP, UPDATE, CREATE = "skip", "update", "create"
DUPLICATES = (SKIP, UPDATE, CREATE)
"""What a row does whose record is there already."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen on the mapping page: a field for each column, and what holds for all rows."""

    mapping: Sequence[str]
    duplicates: str = SKIP
    day_first: bool = False
    owner_id: UUID | None = None
    tag: str = ""
    remember: bool = True


def guess(kind: RecordKind, headers: Sequence[str], remembered: Mapping[str, str] | None = None) -> list[str]:
    """The likely field of each column, each field once.

    A remembered mapping wins; then a heading that is a field's name, label or alias; then one that contains
    all words of one.
    """
    known = remembered or {}
    chosen = [known.get(_plain(header)) for header in headers]
    own = len(headers) - 1 if headers and _plain(headers[-1]) == _plain(PROBLEM) else None
    mapping = ["" if index == own else _allowed(kind, name) for index, name in enumerate(chosen)]
    decided = {index for index, name in enumerate(chosen) if name is not None or index == own}
    used = {name for name in mapping if name}
    for match in (_exact, _containing):
        for index, header in enumerate(headers):
            if index in decided:
                continue
            name = match(kind, header, used)
            if name:
                mapping[index] = name
                decided.add(index)
                used.add(name)
    return mapping


def signature(headers: Sequence[str]) -> str:
    """Equal for files with the same headings in any order."""
    return hashlib.sha256("\n".join(sorted(_plain(header) for header in headers)).encode()).hexdigest()


def to_remember(headers: Sequence[str], mapping: Sequence[str]) -> dict[str, str]:
    """The mapping by heading, as it is kept for the next file."""
    return {_plain(header): name for header, name in zip(headers, mapping, strict=True)}


def choices(kind: RecordKind) -> dict[str, list[tuple[str, str]]]:
    """What a column can be, for people: groups of (value, label)."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for spec in importable(kind):
        groups.setdefault(spec.group or kind.label, []).append((spec.name, spec.label))
    if description(kind):
        groups["Otherwise"] = [(EXTRA, f"Add to {description(kind).label.lower()}")]  # type: ignore[union-attr]
    return groups


def importable(kind: RecordKind) -> tuple[Field, ...]:
    """The fields a file may set: those people may edit, the status, and what an older system knows of the past."""
    status = kind.lifecycle.field if kind.lifecycle else None
    return tuple(spec for spec in kind.fields if spec.editable or spec.importable or spec.name == status)


def description(kind: RecordKind) -> Field | None:
    """The long text that takes columns without a field of their own."""
    return next((spec for spec in importable(kind) if isinstance(spec.type, LongText)), None)


def errors(kind: RecordKind, headers: Sequence[str], mapping: Sequence[str]) -> dict[str, str]:
    """What is wrong with a mapping, by input (`column-<index>`, or "" for the whole)."""
    found: dict[str, str] = {}
    times = Counter(name for name in mapping if name and name != EXTRA)
    for index, name in enumerate(mapping):
        if times[name] > 1:
            label, header = kind.field(name).label, headers[index]
            found[f"column-{index}"] = f"{label} is chosen for {times[name]} columns; “{header}” is one."
    needed = (spec for spec in importable(kind) if spec.required and spec.default is None)
    if missing := [spec.label for spec in needed if spec.name not in times]:
        found[""] = f"Choose the column of {' and '.join(missing)}: a {kind.label.lower()} needs it."
    identifying = kind.title_fields or tuple(spec.name for spec in importable(kind))
    if not any(name in times for name in identifying):
        names = ", ".join(kind.field(name).label for name in identifying[:4])
        found.setdefault("", f"Choose at least one column that says who or what it is: {names}.")
    return found


def is_choice(kind: RecordKind, name: str) -> bool:
    """Whether a column may be mapped so."""
    if name == EXTRA:
        return description(kind) is not None
    return not name or any(spec.name == name for spec in importable(kind))


def _allowed(kind: RecordKind, name: str | None) -> str:
    """A remembered choice, unless the field has gone since."""
    return name if name and is_choice(kind, name) else ""


def _exact(kind: RecordKind, header: str, used: set[str]) -> str:
    wanted = _plain(header)
    for names in (_own_names, _aliases):
        for spec in importable(kind):
            if spec.name not in used and wanted in {_plain(name) for name in names(spec)}:
                return spec.name
    return ""


def _containing(kind: RecordKind, header: str, used: set[str]) -> str:
    """The field with most words in the heading; of equals the one whose last word is the heading's last.

    Nothing if that field has its column already: “Work e-mail address” is then a second address, not a street.
    """
    have = words(header)
    best, best_rank = "", (0, False)
    for spec in importable(kind):
        for name in (*_own_names(spec), *_aliases(spec)):
            tokens = words(name)
            rank = (len(tokens), tokens[-1:] == have[-1:])
            if tokens and set(tokens) <= set(have) and rank > best_rank:
                best, best_rank = spec.name, rank
    return "" if best in used else best


def _own_names(spec: Field) -> tuple[str, ...]:
    return (spec.name, spec.label)


def _aliases(spec: Field) -> tuple[str, ...]:
    return spec.aliases


def _plain(text: str) -> str:
    """Letters and digits only, folded: “E-mail” and “email” are the same heading."""
    return "".join(words(text)) or fold(text)
