"""Business time: the open windows of a calendar as instants, and counting along them.

Windows are local wall-clock in the calendar's zone and become instants here, once; everything above counts in
whole microseconds since 1970, so nothing is rounded and a change of clocks needs no special case.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MIDNIGHT = 24 * 60
# How far ahead a calendar is looked through for its next open minute before it counts as never open, and at all.
_LOOK_AHEAD_DAYS = 3 * 366
_FARTHEST = 20 * 366 * 24 * 60 * MINUTE
_BLOCK_DAYS = 366


class NoOpenTime(Exception):
    """The calendar has no open minute in the next three years, or too few in twenty: nothing can ever be due in it."""


@dataclass(frozen=True, slots=True)
class Window:
    """Open from `start` to `end`, both minutes after local midnight; past 1440 it ends on the next date."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Holiday:
    """Closed on the dates from `first` to `last`, each from `start` to `end` minutes after its midnight.

    A yearly one holds its months and days in any year (`first` may come after `last`: over New Year).
    """

    first: date
    last: date
    yearly: bool = False
    start: int = 0
    end: int = _MIDNIGHT

    def is_on(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        first, last, here = (self.first.month, self.first.day), (self.last.month, self.last.day), (day.month, day.day)
        return first <= here <= last if first <= last else here >= first or here <= last


@dataclass(eq=False)
class Calendar:
    """When somebody works. `weekly` has the windows of Monday to Sunday, `closed_on` further dates that are closed.

    One may be shared by threads: what it works out on demand is worked out under a lock.
    """

    zone: ZoneInfo
    weekly: Sequence[Sequence[Window]]
    holidays: Sequence[Holiday] = ()
    closed_on: Container[date] = ()
    _spans: _Spans | None = field(default=None, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def used(self, start: int, end: int) -> int:
        """Open microseconds between two instants."""
        with self._lock:
            spans = self._compiled(start)
            spans.reach(end)
            return max(0, spans.before(end) - spans.before(start))

    def after(self, start: int, open_time: int) -> int:
        """The first instant by which `open_time` microseconds have been open since `start`.

        A budget that runs out exactly at close is out at close; of nothing, it is out at once.

        Raises:
            NoOpenTime: the calendar never opens again, or not for so long within twenty years.
        """
        if open_time <= 0:
            return start
        with self._lock:
            spans = self._compiled(start)
            return spans.when(spans.before(start) + open_time, start + _FARTHEST)

    def opens_after(self, start: int) -> bool:
        """Whether there is any open time after `start`, as far ahead as is looked."""
        try:
            return self.after(start, 1) > start
        except NoOpenTime:
            return False

    def open_spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """The open stretches between two instants, for showing what counted."""
        with self._lock:
            spans = self._compiled(start)
            spans.reach(end)
            return spans.between(start, end)

    def _compiled(self, at: int) -> _Spans:
        if self._spans is None or at < self._spans.begins:
            self._spans = _Spans(self, at)
        return self._spans


class _Spans:
    """The open stretches from some instant on, with how much was open before each; grows as it is asked."""

    def __init__(self, calendar: Calendar, at: int) -> None:
        self._calendar = calendar
        # From a little earlier, so that a clock begun days before finds the same stretches.
        self._next_day = instant(at).astimezone(calendar.zone).date() - timedelta(days=30)
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.opened: list[int] = []
        self._known_until = 0
        self._grow()
        self.begins = micros(
            datetime.combine(self._next_day - timedelta(days=_BLOCK_DAYS - 2), datetime.min.time(), UTC)
        )

    def reach(self, at: int) -> None:
        while self._known_until <= at:
            self._grow()

    def before(self, at: int) -> int:
        """Open microseconds from the beginning up to `at`."""
        self.reach(at)
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return 0
        return self.opened[index] + min(at, self.ends[index]) - self.starts[index]

    def when(self, total: int, latest: int) -> int:
        """The first instant by which `total` microseconds were open. Raises NoOpenTime: not by `latest` or so."""
        barren = 0
        while not self.starts or self.opened[-1] + self.ends[-1] - self.starts[-1] < total:
            if self._known_until > latest:
                raise NoOpenTime
            stretches = len(self.starts)
            self._grow()
            barren = barren + _BLOCK_DAYS if len(self.starts) == stretches else 0
            if barren >= _LOOK_AHEAD_DAYS:
                raise NoOpenTime
        index = bisect_left(self.opened, total) - 1
        return self.starts[index] + total - self.opened[index]

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        first = max(0, bisect_right(self.ends, start))
        last = bisect_left(self.starts, end)
        clipped = ((max(start, self.starts[i]), min(end, self.ends[i])) for i in range(first, last))
        return [(opens, closes) for opens, closes in clipped if closes > opens]

    def _grow(self) -> None:
        for _ in range(_BLOCK_DAYS):
            self._add(_spans_of_day(self._calendar, self._next_day))
            self._next_day += _DAY
        # The windows of the last day may be touched by what begins on the next, and zones are up to a day away.
        self._known_until = micros(datetime.combine(self._next_day - 2 * _DAY, datetime.min.time(), UTC))

    def _add(self, spans: Iterable[tuple[int, int]]) -> None:
        for start, end in spans:
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(self.ends[-1], end)
                continue
            open_before = self.opened[-1] + self.ends[-1] - self.starts[-1] if self.starts else 0
            self.starts.append(start)
            self.ends.append(end)
            self.opened.append(open_before)


def micros(at: datetime) -> int:
    """Microseconds since 1970; exact, where a float would round."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def instant(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _spans_of_day(calendar: Calendar, day: date) -> list[tuple[int, int]]:
    """What the windows that begin on this local date leave open, as instants in order."""
    spans = []
    for window in calendar.weekly[day.weekday()]:
        for start, end in _without_holidays(calendar, day, window):
            opens, closes = _opening(calendar.zone, day, start), _closing(calendar.zone, day, end)
            if closes > opens:
                spans.append((opens, closes))
    return sorted(spans)


def _without_holidays(calendar: Calendar, day: date, window: Window) -> list[tuple[int, int]]:
    """The parts of a window that no holiday closes, in minutes after the midnight of `day`.

    A holiday closes its own date's minutes, also those of a window that began the evening before.
    """
    parts = [(window.start, window.end)]
    for offset in (0, 1):
        if window.end <= offset * _MIDNIGHT:
            break
        there = day + timedelta(days=offset)
        shuts = [(holiday.start, holiday.end) for holiday in calendar.holidays if holiday.is_on(there)]
        if there in calendar.closed_on:
            shuts.append((0, _MIDNIGHT))
        for start, end in shuts:
            shut = (start + offset * _MIDNIGHT, end + offset * _MIDNIGHT)
            parts = [left for part in parts for left in _cut(part, shut)]
    return parts


def _cut(part: tuple[int, int], shut: tuple[int, int]) -> list[tuple[int, int]]:
    (start, end), (shuts, opens) = part, shut
    pieces = [(start, min(end, shuts)), (max(start, opens), end)]
    return [(begin, stop) for begin, stop in pieces if stop > begin]


def _opening(zone: ZoneInfo, day: date, minutes: int) -> int:
    """An opening that the clocks show twice is the first time; one they skip is when they skip it."""
    local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    return _resolve(zone, local, fold=0)


def _closing(zone: ZoneInfo, day: date, minutes: int) -> int:
    """A close that the clocks show twice is the last time; one they skip is when they skip it."""
    local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    return _resolve(zone, local, fold=1)


def _resolve(zone: ZoneInfo, local: datetime, fold: int) -> int:
    before, after = (local.replace(tzinfo=zone, fold=side).utcoffset() for side in (0, 1))
    assert before is not None
    assert after is not None
    if before < after:
        return _transition(
            zone, micros((local - after).replace(tzinfo=UTC)), micros((local - before).replace(tzinfo=UTC))
        )
    return micros((local - (after if fold else before)).replace(tzinfo=UTC))


def _transition(zone: ZoneInfo, early: int, late: int) -> int:
    """The instant between two at which the zone's clocks were put forward, to the second."""
    offset = instant(early).astimezone(zone).utcoffset()
    while late - early > SECOND:
        middle = (early + late) // 2
        if instant(middle).astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late // SECOND * SECOND
