"""The SLA engine against a second one that walks minute by minute and knows no arithmetic.

The walk asks of each real minute what the clocks on the wall show, and counts. It shares no code with the engine but
the words of a calendar.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.tickets.rules.business_time import MINUTE, Calendar, Holiday, Window, instant, micros
from app.tickets.rules.sla import FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION, Happened, Policy, evaluate

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Australia/Lord_Howe")
BEGINS = (datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
DAYS = 12


@st.composite
def calendars(draw) -> Calendar:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    quarter = st.integers(0, 95).map(lambda number: number * 15)
    window = st.tuples(quarter, st.integers(1, 96).map(lambda number: number * 15)).map(
        lambda pair: Window(pair[0], min(pair[0] + pair[1], 2880))
    )
    weekly = draw(st.lists(st.lists(window, max_size=2), min_size=7, max_size=7))
    offsets = draw(st.lists(st.tuples(st.integers(0, DAYS), st.integers(0, 2), quarter), max_size=2))
    first = draw(st.sampled_from(BEGINS)).date()
    days = [(first + timedelta(days=begin), length, start) for begin, length, start in offsets]
    holidays = [Holiday(day, day + timedelta(days=length), start=start, end=1440) for day, length, start in days]
    made = Calendar(zone, weekly, holidays)
    made.first = first  # type: ignore[attr-defined]
    return made


@lru_cache(maxsize=32)
def walls(zone: ZoneInfo, first: date) -> list[tuple[datetime, datetime]]:
    """Every real minute from two days before `first` on, with what the clocks on the wall show."""
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=2)
    real = (begin + timedelta(minutes=number) for number in range((DAYS + 6) * 1440))
    return [(minute, minute.astimezone(zone).replace(tzinfo=None)) for minute in real]


def minutes_open(calendar: Calendar, first: date) -> list[int]:
    """Every open minute from the day before `first` on, as the walk sees it."""
    clock = walls(calendar.zone, first)
    opened: set[datetime] = set()
    for offset in range(-1, DAYS + 2):
        day = first + timedelta(days=offset)
        midnight = datetime.combine(day, time())
        # Whatever the zone, this local day and the next are among these real minutes.
        near = clock[(offset + 1) * 1440 : (offset + 5) * 1440]
        for window in calendar.weekly[day.weekday()]:
            for start, end in _left_open(calendar, day, window):
                opens, closes = midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)
                shown = [number for number, (_, wall) in enumerate(near) if opens <= wall < closes]
                if shown:
                    # Through, though the wall may show an hour twice in between.
                    opened.update(real for real, _ in near[shown[0] : shown[-1] + 1])
    return sorted(micros(one) for one in opened)


def _left_open(calendar: Calendar, day: date, window: Window) -> list[tuple[int, int]]:
    """Stretches of wall-clock minutes of the window on which no holiday lies, minute by minute."""
    free = []
    for minute in range(window.start, window.end):
        there, at = day + timedelta(days=minute // 1440), minute % 1440
        if not any(one.first <= there <= one.last and one.start <= at < one.end for one in calendar.holidays):
            free.append(minute)
    stretches: list[tuple[int, int]] = []
    for minute in free:
        if stretches and stretches[-1][1] == minute:
            stretches[-1] = (stretches[-1][0], minute + 1)
        else:
            stretches.append((minute, minute + 1))
    return stretches


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(calendars(), st.data())
def test_used_and_due_equal_a_walk(calendar: Calendar, data) -> None:
    first = calendar.first  # type: ignore[attr-defined]
    opened = minutes_open(calendar, first)
    begin = micros(datetime(first.year, first.month, first.day, tzinfo=UTC))
    start = begin + data.draw(st.integers(0, 4 * 1440)) * MINUTE
    end = start + data.draw(st.integers(0, 5 * 1440)) * MINUTE
    walked = [minute for minute in opened if start <= minute < end]
    assert calendar.used(start, end) == len(walked) * MINUTE
    later = [minute for minute in opened if minute >= start]
    budget = data.draw(st.integers(1, 900))
    if len(later) >= budget and later[budget - 1] < begin + DAYS * 1440 * MINUTE:
        assert calendar.after(start, budget * MINUTE) == later[budget - 1] + MINUTE


EVENTS = st.sampled_from(
    [
        ("agent_public_reply", None),
        ("agent_internal_note", None),
        ("auto_reply", None),
        ("customer_message", None),
        ("status", "pending"),
        ("status", "open"),
        ("status", "resolved"),
        ("priority", {RESOLUTION: 90}),
        ("priority", {RESOLUTION: 400}),
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(calendars(), st.lists(st.tuples(st.integers(0, 6 * 1440), EVENTS), max_size=8), st.integers(30, 600))
def test_clocks_equal_a_walk(calendar: Calendar, events, target: int) -> None:
    first = calendar.first  # type: ignore[attr-defined]
    opened = set(minutes_open(calendar, first))
    begin = micros(datetime(first.year, first.month, first.day, tzinfo=UTC))
    events = sorted(events, key=lambda one: one[0])
    history = [Happened(begin, "created")]
    history += [Happened(begin + offset * MINUTE, what, value) for offset, (what, value) in events]
    now = begin + 8 * 1440 * MINUTE
    policy = Policy({FIRST_RESPONSE: target, NEXT_RESPONSE: target, RESOLUTION: target}, reopen="resume")
    track = evaluate(policy, calendar, history, now)
    walked = walk(opened, history, target, now)
    resolution, answer = track.latest(RESOLUTION), track.latest(FIRST_RESPONSE)
    assert resolution is not None
    assert answer is not None
    found = (resolution.used(now), resolution.met_at, resolution.breached_at)
    assert found == walked[RESOLUTION], [(str(instant(one.at)), one.what, one.value) for one in history]
    assert (answer.used(now), answer.met_at, answer.breached_at) == walked[FIRST_RESPONSE]


def walk(opened: set[int], history: list[Happened], target: int, now: int) -> dict[str, tuple]:
    """Minute by minute: what has happened by its beginning, then whether the minute counts."""
    status, waiting = "new", list(history[1:])
    clocks = {name: {"used": 0, "met": None, "breach": None, "target": target} for name in (FIRST_RESPONSE, RESOLUTION)}
    minute = history[0].at
    while minute <= now:
        for clock in clocks.values():
            clock["full"] = clock["used"] >= clock["target"]
        while waiting and waiting[0].at == minute:
            event = waiting.pop(0)
            status = _step(clocks, status, event)
        for name, clock in clocks.items():
            counts = clock["met"] is None and not (name == RESOLUTION and status == "pending")
            if minute == now:
                break
            if counts and clock["breach"] is None and clock["used"] >= clock["target"]:
                clock["breach"] = _breach(clock, minute)
            if counts and minute in opened:
                clock["used"] += 1
                clock["last"] = minute + MINUTE
        minute += MINUTE
    return {name: (clock["used"] * MINUTE, clock["met"], clock["breach"]) for name, clock in clocks.items()}


def _step(clocks: dict, status: str, event: Happened) -> str:
    if event.what == "agent_public_reply" and clocks[FIRST_RESPONSE]["met"] is None:
        clocks[FIRST_RESPONSE]["met"] = event.at
    resolution = clocks[RESOLUTION]
    if event.what == "priority":
        resolution["promised"] = event.value[RESOLUTION]
    # What was changed while it was resolved holds once it is open again.
    promised = resolution.get("promised", resolution["target"])
    reopened = event.what == "status" and status == "resolved" and event.value != "resolved"
    if (resolution["met"] is None or reopened) and resolution["target"] != promised:
        resolution["target"] = promised
        resolution["changed"] = event.at
    if event.what == "status":
        if event.value == "resolved" and resolution["met"] is None and status != "resolved":
            resolution["met"] = event.at
        if status == "resolved" and event.value != "resolved":
            resolution["met"] = None
            resolution["changed"] = event.at
        return event.value
    return status


def _breach(clock: dict, minute: int) -> int:
    return max(clock.get("last", minute), clock.get("changed", 0))
