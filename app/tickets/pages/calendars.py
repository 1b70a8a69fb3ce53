"""What a calendar means, in words: its week, the days it is closed, and when something begun now would be due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from babel.core import Locale

from app.core.scope import Scope
from app.core.templating import local_time
from app.tickets.rules.business_time import Calendar, instant, micros
from app.tickets.rules.country_days import countries, country_days, subdivisions_of
from app.tickets.rules.definitions import DAY, calendar_of, clock_of, holiday_of

SAMPLE_MINUTES = 4 * 60
_DAYS_SHOWN = 7
_ENGLISH = Locale("en")


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day of the coming week: when it is open, and why if it is closed all day."""

    day: date
    hours: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """`closed` are the days the calendar is closed in this year and the next, beyond its weekly hours."""

    week: list[DayLine]
    closed: list[tuple[date, str]]
    due_at: datetime
    due_text: str
    zone: str

    @property
    def week_facts(self) -> list[tuple[str, str]]:
        """The coming days with their hours, as facts on a page."""
        return [(f"{line.day:%A}", f"{line.hours} · {line.why}" if line.why else line.hours) for line in self.week]


def preview(scope: Scope, definition: Mapping[str, Any]) -> Preview:
    """What this definition means from now on."""
    calendar = calendar_of(definition)
    today = scope.now.astimezone(calendar.zone).date()
    closed = _closed(definition, today)
    names = dict(closed)
    week = [_line(calendar, today + timedelta(days=offset), names) for offset in range(_DAYS_SHOWN)]
    due = instant(calendar.after(micros(scope.now), SAMPLE_MINUTES * 60_000_000))
    here = local_time(due.astimezone(calendar.zone), _in_zone(scope, str(calendar.zone)), "short")
    return Preview(week, closed, due, here, str(calendar.zone))


def summary(definition: Mapping[str, Any]) -> str:
    """The weekly hours in one line: `Mon–Fri 09:00–17:00`."""
    groups: list[list[str]] = []
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        hours = ", ".join(f"{opens}–{closes}" for opens, closes in definition["weekly"].get(day, ()))
        if groups and groups[-1][2] == hours:
            groups[-1][1] = day
        else:
            groups.append([day, day, hours])
    told = [f"{_span(first, last)} {hours}" for first, last, hours in groups if hours]
    return "; ".join(told) or "never open"


@cache
def country_choices() -> list[tuple[str, str]]:
    """Countries whose holidays are known, by name."""
    names = _ENGLISH.territories
    return sorted(((code, names.get(code, code)) for code in countries()), key=lambda pair: pair[1])


@cache
def subdivision_choices() -> dict[str, list[tuple[str, str]]]:
    """The regions of each country that has any, by the country's name: for one select that needs no script."""
    found = {name: sorted(subdivisions_of(code).items(), key=lambda pair: pair[1]) for code, name in country_choices()}
    return {name: parts for name, parts in found.items() if parts}


def country_line(definition: Mapping[str, Any]) -> str:
    """The country whose holidays close the calendar, in words; empty for none."""
    country = definition.get("country")
    if not country:
        return ""
    name = dict(country_choices()).get(country["code"], country["code"])
    part = subdivisions_of(country["code"]).get(country.get("subdivision") or "", "")
    return f"{name}, {part}" if part else name


def _line(calendar: Calendar, day: date, names: Mapping[date, str]) -> DayLine:
    """Its hours on the wall, also those that began the evening before."""
    begin = micros(datetime.combine(day, time(), calendar.zone))
    end = micros(datetime.combine(day + timedelta(days=1), time(), calendar.zone))
    spans = [
        f"{_wall(calendar, opens, day)}–{_wall(calendar, closes, day)}"
        for opens, closes in calendar.open_spans(begin, end)
    ]
    return DayLine(day, ", ".join(spans) or "closed", names.get(day, ""))


def _wall(calendar: Calendar, at: int, day: date) -> str:
    local = instant(at).astimezone(calendar.zone)
    return clock_of(DAY) if local.date() > day else f"{local:%H:%M}"


def closures_on(definition: Mapping[str, Any], day: date) -> list[str]:
    """The names of the holidays that close this day, wholly or in part."""
    found = []
    for one in definition.get("holidays", ()):
        holiday = holiday_of(one)
        if holiday.is_on(day):
            found.append(_told("" if isinstance(one, str) else one.get("name", ""), holiday.start, holiday.end))
    country = definition.get("country")
    public = country_days(country["code"], country.get("subdivision") or None) if country else None
    if public is not None and day in public:
        found.append(public.of_year(day.year)[day])
    return list(dict.fromkeys(found))


def _closed(definition: Mapping[str, Any], today: date) -> list[tuple[date, str]]:
    """Days from today to the end of next year that a holiday closes, wholly or in part."""
    found = []
    day = today
    while day.year <= today.year + 1:
        if names := closures_on(definition, day):
            found.append((day, ", ".join(names)))
        day += timedelta(days=1)
    return found


def _told(name: str, start: int, end: int) -> str:
    whole = (start, end) == (0, DAY)
    return name or "closed" if whole else f"{name or 'closed'} {clock_of(start)}–{clock_of(end)}".strip()


def _span(first: str, last: str) -> str:
    return first.title() if first == last else f"{first.title()}–{last.title()}"


def _in_zone(scope: Scope, zone: str) -> Scope:
    return replace(scope, zone=zone)
