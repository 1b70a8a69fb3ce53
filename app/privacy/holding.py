"""What storeys above keep of people beyond records, notes and the log: they say so at start, exports and erasures then
cover it. Rows of a record go with it when it is deleted, by their foreign key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_held: dict[str, Held] = {}
_parts: dict[tuple[str, str], Part] = {}


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a model that belong to a person: `person` is the column with their id, `addresses` those that hold
    their address and nothing else.

    `texts` are columns in which somebody's address may stand: such a row goes when that person is erased. `file` is
    the column with the key of a stored file, which goes with its row.
    """

    model: type[Any]
    person: Any = None
    texts: tuple[Any, ...] = ()
    addresses: tuple[Any, ...] = ()
    file: Any = None


def hold(name: str, held: Held) -> None:
    """Said once by the storey that keeps it; `name` is what exports and counts call it."""
    _held[name] = held


def everything() -> dict[str, Held]:
    """What was said to be kept, by name."""
    return dict(_held)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that belong to a record: `record` is the column with its id."""

    model: type[Any]
    record: Any


def hold_part(kind: str, name: str, part: Part) -> None:
    """Said once by the feature of this kind; `name` is what exports call it, after the kind."""
    _parts[kind, name] = part


def parts_of(kind: str) -> dict[str, Part]:
    """What belongs to records of this kind, by name."""
    return {name: part for (of, name), part in _parts.items() if of == kind}
