"""Names, words and ids that benchmark data is made of: drawn so that the n-th is about 1/n as common as the first."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import accumulate
from uuid import UUID

_SYLLABLES = [c + v + e for c in "bdfghjklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s", "l")]
_FIRSTS = ["James", "Mary", "José", "Linda", "Amara", "Bruno", "Chiara", "Elena", "Zoë", "Liam", "Noor", "Søren"]
_TRADES = ("Logistics", "Optics", "Energy", "Clinics", "Freight", "Foods", "Media", "Systems", "Partners", "Tools")


class People:
    """Names and companies, drawn so that the n-th is about 1/n as common as the first."""

    def __init__(self, chance: random.Random) -> None:
        # Made by an own seed: the names are the same in every tenant.
        names = random.Random(7)
        self._chance = chance
        self._firsts = _FIRSTS + [word(names, 2).title() for _ in range(400)]
        self._lasts = [word(names, names.choice((2, 3))).title() for _ in range(6_000)]
        self._companies = [f"{word(names, 3).title()} {names.choice(_TRADES)}" for _ in range(20_000)]
        self._weights = {size: zipf(size) for size in (len(self._firsts), len(self._lasts), len(self._companies))}

    def first(self) -> str:
        return self._draw(self._firsts)

    def last(self) -> str:
        return self._draw(self._lasts)

    def company(self) -> str:
        return self._draw(self._companies)

    def _draw(self, pool: list[str]) -> str:
        return self._chance.choices(pool, cum_weights=self._weights[len(pool)])[0]


def id_at(chance: random.Random, at: datetime) -> UUID:
    """A UUIDv7 of that instant."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def zipf(size: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(syllables))
