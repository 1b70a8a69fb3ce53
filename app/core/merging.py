"""Settings that two people change at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Merged:
    """What comes of it: all that was typed anew, what of the stored stands in its way, and what is to be written."""

    mine: dict[str, Any]
    theirs: dict[str, Any]
    changed: dict[str, Any]


def merge(typed: Mapping[str, Any], seen: Mapping[str, Any], stored: Mapping[str, Any]) -> Merged:
    """A three-way merge by name: `typed` over `seen`, when `stored` may have moved on from `seen` meanwhile.

    What was left as it was seen stays as it is stored. Both sides' doing the same is no conflict.
    """
    mine = {name: value for name, value in typed.items() if value != seen.get(name)}
    changed = {name: value for name, value in mine.items() if stored[name] != value}
    theirs = {name: stored[name] for name in changed if stored[name] != seen.get(name)}
    return Merged(mine, theirs, changed)
