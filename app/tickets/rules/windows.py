"""The opening hours of a weekday as people write them: `9:00–12:30, 13:30–17:00`, also over midnight."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.tickets.rules.definitions import DAY, clock_of, minutes_of, window_of

Pairs = list[list[str]]
MOST = 12
_WINDOW = re.compile(r"\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(?:-|–|—|to|until)\s*(\d{1,2})(?:[:.h](\d{2}))?\s*")
_NOTHING = {"", "closed", "-", "–"}


def read_windows(text: str) -> tuple[Pairs, bool]:
    """The windows of a day, in order and without overlaps, and whether some had to be merged.

    Raises:
        ValueError: with a sentence.
    """
    if text.strip().casefold() in _NOTHING:
        return [], False
    spans = sorted(_span(part) for part in re.split(r"[,;\n]", text) if part.strip())
    if len(spans) > MOST:
        raise ValueError(f"At most {MOST} windows a day.")
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    if merged and merged[-1][1] - merged[0][0] > DAY and merged[-1][1] > DAY:
        merged = [(start, min(end, start + DAY)) for start, end in merged]
    return [[clock_of(start), clock_of(end)] for start, end in merged], len(merged) < len(spans)


def written_windows(pairs: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{opens}–{closes}" for opens, closes in pairs)


def read_time(text: str) -> str:
    """`09:30` of what somebody wrote; 24:00 is the end of the day.

    Raises:
        ValueError: with a sentence.
    """
    found = re.fullmatch(r"\s*(\d{1,2})(?:[:.h](\d{2}))?\s*", text)
    if not found:
        raise ValueError(f"“{text.strip()[:20]}” is no time of day. Write it like 9:30 or 17:00.")
    return _clock(found[1], found[2])


def _span(part: str) -> tuple[int, int]:
    found = _WINDOW.fullmatch(part)
    if not found:
        raise ValueError(f"“{part.strip()[:40]}” is no time from–to. Write it like 9:00–17:00, or closed.")
    opens, closes = _clock(found[1], found[2]), _clock(found[3], found[4])
    if opens == closes:
        raise ValueError(f"{opens}–{closes} is no time at all. For the whole day write 0:00–24:00.")
    if minutes_of(opens) == DAY:
        raise ValueError("A window cannot begin at 24:00. Begin it at 0:00 on the next day.")
    window = window_of(opens, closes)
    return window.start, window.end


def _clock(hours: str, minutes: str | None) -> str:
    total = int(hours) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or total > DAY:
        raise ValueError(f"{hours}:{minutes or '00'} is no time of day.")
    return clock_of(total)
