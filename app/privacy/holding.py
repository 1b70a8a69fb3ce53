"""What storeys above keep of the people of a tenant: they say so at start, exports and erasures then cover it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_held: dict[str, Held] = {}


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a model that belong to a person: `person` is the column with their id.

    `texts` are columns in which somebody's address may stand: such a row goes when that person is erased.
    """

    model: type[Any]
    person: Any
    texts: tuple[Any, ...] = ()


def hold(name: str, held: Held) -> None:
    """Said once by the storey that keeps it; `name` is what exports and counts call it."""
    _held[name] = held


def everything() -> dict[str, Held]:
    """What was said to be kept, by name."""
    return dict(_held)
