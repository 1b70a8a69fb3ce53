"""Why is this due then? The stretches in which a clock ran, cut into what counted and what did not."""

from __future__ import annotations

from dataclasses import dataclass

from app.tickets.rules.business_time import MINUTE, Calendar
from app.tickets.rules.clock import Clock

COUNTED, CLOSED, STOPPED = "counted", "closed", "stopped"
MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """From `start` to `end` (microseconds) time counted, or the calendar was closed, or the clock stood still.

    `used` is the sum of what had counted by `end`. `because` is why the stretch began.
    """

    kind: str
    start: int
    end: int
    used: int
    calendar: Calendar
    because: str = ""


def lines_of(clock: Clock, now: int) -> list[LedgerLine]:
    """The whole story of a clock up to the instant its time is used up, or up to where it stands or ended."""
    spent = clock.instant_of((clock.target or 0) * MINUTE)
    until = now if spent is None else spent if clock.running else min(spent, now)
    found: list[LedgerLine] = []
    used = 0
    for number, one in enumerate(clock.ledger):
        if number and clock.ledger[number - 1].end != one.start:
            found.append(LedgerLine(STOPPED, clock.ledger[number - 1].end or one.start, one.start, used, one.calendar))
        if one.start >= until:
            break
        here = one.start
        end = until if one.end is None else min(one.end, until)
        for opens, closes in one.calendar.open_spans(one.start, end):
            if opens > here:
                found.append(LedgerLine(CLOSED, here, opens, used, one.calendar))
            used += closes - opens
            found.append(
                LedgerLine(COUNTED, opens, closes, used, one.calendar, "" if here > one.start else one.because)
            )
            here = closes
        if one.end is not None and one.end <= until and end > here:
            found.append(LedgerLine(CLOSED, here, end, used, one.calendar))
    last = clock.ledger[-1] if clock.ledger else None
    if clock.paused and until >= now and last is not None and last.end is not None and now > last.end:
        found.append(LedgerLine(STOPPED, last.end, now, used, last.calendar))
    return found
