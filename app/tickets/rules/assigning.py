"""Who gets which ticket: in turn, or the least loaded; never more than somebody can have. Standard library only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from uuid import UUID

from app.tickets.rules.settings import LEAST_LOADED


@dataclass(frozen=True, slots=True)
class Hands:
    """Somebody who takes tickets: how many they have and can have, and when it was last their turn (a count)."""

    id: UUID
    load: int
    capacity: int
    turn: int = 0

    @property
    def free(self) -> bool:
        return self.load < self.capacity


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket of nobody's, and who may get it; None is anybody."""

    id: UUID
    among: Collection[UUID] | None = None


def choose(way: str, hands: Iterable[Hands]) -> Hands | None:
    """Whoever is next: of those with room the one whose turn is longest ago, or the one who is the least full by what
    they can have, then by turn. None if nobody has room."""
    free = [one for one in hands if one.free]
    if way == LEAST_LOADED:
        return min(free, key=lambda one: (Fraction(one.load, one.capacity), one.turn, one.id), default=None)
    return min(free, key=lambda one: (one.turn, one.id), default=None)


def share_out(way: str, waiting: Sequence[Waiting], hands: Iterable[Hands]) -> list[tuple[UUID, Hands]]:
    """Gives the tickets in their order, the oldest first: each with who gets it and how they stand then.

    A ticket nobody can take waits, and keeps no later one from somebody else.
    """
    team = {one.id: one for one in hands}
    turn = max((one.turn for one in team.values()), default=0)
    given = []
    for ticket in waiting:
        among = team.values() if ticket.among is None else [team[one] for one in ticket.among if one in team]
        chosen = choose(way, among)
        if chosen is None:
            continue
        turn += 1
        team[chosen.id] = replace(chosen, load=chosen.load + 1, turn=turn)
        given.append((ticket.id, team[chosen.id]))
    return given
