"""Business time as people write it: `30 min`, `4 h`, `1 h 30 min`; `2 days` is understood."""

from __future__ import annotations

import re

WORKDAY = 8 * 60
"""Minutes of a day of business time: eight hours, whatever the calendar; said wherever one is typed."""
LONGEST = 366 * WORKDAY
_UNITS = {
    "m": 1, "min": 1, "mins": 1, "minute": 1, "minutes": 1,
    "h": 60, "hr": 60, "hrs": 60, "hour": 60, "hours": 60,
    "d": WORKDAY, "day": WORKDAY, "days": WORKDAY,
    "w": 5 * WORKDAY, "week": 5 * WORKDAY, "weeks": 5 * WORKDAY,
}  # fmt: skip
_PART = re.compile(r"\s*(-?\d{1,9}(?:[.,]\d{1,4})?)\s*([a-z]*)\s*,?")


def read_duration(text: str, *, least: int = 1) -> int | None:
    """Minutes of business time; None for nothing typed.

    Raises:
        ValueError: with a sentence: it is no length of time, not positive, or longer than a year.
    """
    rest = text.strip().casefold()
    if not rest:
        return None
    total = 0.0
    while rest:
        found = _PART.match(rest)
        if not found or found[2] not in _UNITS:
            raise ValueError(
                f"“{text.strip()[:40]}” is no length of time. Write it like 30 min, 4 h, 1 h 30 min or 2 days."
            )
        total += float(found[1].replace(",", ".")) * _UNITS[found[2]]
        rest = rest[found.end() :]
    if total != int(total):
        raise ValueError("Use whole minutes.")
    if total < least:
        raise ValueError("A target is at least one minute. Leave it empty for no promise." if least else "Not below 0.")
    if total > LONGEST:
        raise ValueError("That is more than a year of working days. Use less, or leave it empty for no promise.")
    return int(total)


def written_duration(minutes: int | None) -> str:
    """The same as a form carries it: `1 h 30 min`. Never in days: by a calendar that is always open 24 hours would be
    three of them."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])
