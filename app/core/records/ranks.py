"""The order of a board as keys that sort: a new key fits between any two (fractional indexing). Pure.

Keys are text in binary order. Each move makes one key, so nobody else's row is written; keys grow where people keep
dropping in the same place, and are then spread anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from fractional_indexing import FIError, generate_key_between, generate_n_keys_between

LONGEST = 40
"""Characters a key may have before its neighbourhood is spread anew: some 150 drops in one place."""

FRESH = "'M' || lpad(to_hex(72057594037927935 - (extract(epoch from clock_timestamp()) * 1000000)::bigint), 14, '0')"
"""SQL of a new record's key: before those of all that are older, without looking at them. The letter says that
fourteen digits follow, which count down from 16^14 - 1 by the microsecond."""


def between(lower: str | None, upper: str | None) -> str | None:
    """A key after `lower` and before `upper` (None: no limit); None if there is no room for one that is short."""
    try:
        key = generate_key_between(lower, upper)
    except FIError:
        return None
    return key if len(key) <= LONGEST else None


def spread(lower: str | None, upper: str | None, count: int) -> Sequence[str] | None:
    """So many keys between the two, evenly; None if they would be too long."""
    try:
        keys = generate_n_keys_between(lower, upper, count)
    except FIError:
        return None
    return keys if all(len(key) <= LONGEST for key in keys) else None
