"""What storeys above keep of people beyond records, notes and the log: they say so at start, exports and erasures then
cover it. Rows of a record go with it when it is deleted, by their foreign key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.scope import Scope

_held: dict[str, Held] = {}
_parts: dict[tuple[str, str], Part] = {}
_words: dict[str, Words] = {}


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
    """Rows that belong to a record: `record` is the column with its id. `file` are the columns with the key and the
    name of a stored file, which goes into exports and is erased with its row.
    """

    model: type[Any]
    record: Any
    file: tuple[Any, Any] | None = None


def hold_part(kind: str, name: str, part: Part) -> None:
    """Said once by the feature of this kind; `name` is what exports call it, after the kind."""
    _parts[kind, name] = part


def parts_of(kind: str) -> dict[str, Part]:
    """What belongs to records of this kind, by name."""
    return {name: part for (of, name), part in _parts.items() if of == kind}


@dataclass(frozen=True, slots=True)
class Words:
    """What people wrote in records of others: the address goes from `texts` and `lists` (JSON), and who wrote it from
    the columns of the author; the rest stays. `afterwards` is told the scope and the ids of the rows that were changed,
    for what was made of them.
    """

    model: type[Any]
    texts: tuple[Any, ...]
    lists: tuple[Any, ...]
    author_id: Any
    author_name: Any
    author_email: Any
    afterwards: Callable[[Scope, Sequence[UUID]], None] | None = None


def hold_words(name: str, words: Words) -> None:
    """Said once by the feature that keeps them; `name` is what exports and counts call them."""
    _words[name] = words


def all_words() -> dict[str, Words]:
    """What was said to be written, by name."""
    return dict(_words)
