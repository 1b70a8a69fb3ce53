"""Input of a calendar: what was typed, and the definition it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict

from app.core import localities
from app.core.records.text import clean
from app.tickets.rules.business_time import micros
from app.tickets.rules.country_days import countries, subdivisions_of
from app.tickets.rules.definitions import DAYS, LEAP, calendar_of, minutes_of
from app.tickets.rules.windows import read_time, read_windows, written_windows

DAY_NAMES = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
NAME_MAX = 60
MOST_HOLIDAYS = 200
_ROW = ("name", "first", "last", "from", "to", "repeats")
EMPTY_ROW: Mapping[str, str] = dict.fromkeys(_ROW, "")


@dataclass(slots=True)
class CalendarForm:
    """`raw` is what was typed, by field, `rows` the holidays; `definition` what it means if there are no errors."""

    raw: dict[str, str]
    rows: list[dict[str, str]] = field(default_factory=list)
    version: int = 0
    definition: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.raw["name"]


def filled(name: str, definition: Mapping[str, Any], version: int, today: date) -> CalendarForm:
    """The form as it first stands on the page."""
    country = definition.get("country") or {}
    raw = {
        "name": name,
        "zone": definition["tz"],
        "country": country.get("code", ""),
        "subdivision": country.get("subdivision") or "",
    }
    raw |= {day: written_windows(definition["weekly"].get(day, ())) for day in DAYS}
    rows = [_written_holiday(one, today.year) for one in definition.get("holidays", ())]
    return CalendarForm(raw, rows, version, dict(definition))


def read(form: MultiDict[str, str], now: Any) -> CalendarForm:
    """Reads the whole form; nothing typed is lost. `now` is the instant from which open time is looked for."""
    names = ("name", "zone", "country", "subdivision", *DAYS)
    made = CalendarForm({name: clean(form.get(name, ""))[:1000] for name in names})
    made.raw["name"] = " ".join(made.raw["name"].split())
    made.rows = list(_rows(form))
    made.version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else 0
    _check_name(made)
    definition: dict[str, Any] = {"tz": _zone(made), "weekly": _weekly(made), "holidays": _holidays(made)}
    if country := _country(made):
        definition["country"] = country
    if not made.errors and not calendar_of(definition).opens_after(micros(now)):
        made.errors["mon"] = (
            f"{made.name} has no open time at all: nothing could ever be due. Give at least one day its hours"
            + (", or fewer holidays." if any(definition["weekly"].values()) else ".")
        )
    made.definition = definition
    return made


def _check_name(made: CalendarForm) -> None:
    if not made.name:
        made.errors["name"] = "Enter a name."
    elif len(made.name) > NAME_MAX:
        made.errors["name"] = f"Use {NAME_MAX} characters at most."


def _zone(made: CalendarForm) -> str:
    found = localities.zone_named(made.raw["zone"][:80])
    if found is None:
        made.errors["zone"] = "There is no such time zone. Type a city such as Berlin, and choose one of the list."
    return found or ""


def _weekly(made: CalendarForm) -> dict[str, list[list[str]]]:
    weekly = {}
    for day, label in DAY_NAMES.items():
        try:
            weekly[day], merged = read_windows(made.raw[day])
        except ValueError as wrong:
            made.errors[day] = f"{label}: {wrong}"
            continue
        if merged:
            made.remarks.append(f"{label}: overlapping hours became {written_windows(weekly[day])}.")
    return weekly


def _country(made: CalendarForm) -> dict[str, str] | None:
    code, part = made.raw["country"], made.raw["subdivision"]
    if not code:
        return None
    if code not in countries():
        made.errors["country"] = "Choose a country of the list."
        return None
    parts = subdivisions_of(code)
    if part and part not in parts:
        made.raw["subdivision"] = ""
        made.remarks.append("The region was left out: it is of another country.")
        part = ""
    return {"code": code, "subdivision": part} if part else {"code": code}


def _rows(form: MultiDict[str, str]) -> Iterator[dict[str, str]]:
    """The holidays that were typed; empty rows are left out."""
    columns = {name: form.getlist(f"holiday_{name}") for name in _ROW}
    for index in range(min(max(map(len, columns.values())), MOST_HOLIDAYS + 20)):
        row = {name: clean(values[index])[:100] if index < len(values) else "" for name, values in columns.items()}
        if any(row[name] for name in _ROW if name != "repeats"):
            yield row


def _holidays(made: CalendarForm) -> list[dict[str, str]]:
    found = []
    if len(made.rows) > MOST_HOLIDAYS:
        made.errors[""] = f"At most {MOST_HOLIDAYS} holidays; the country's own need no lines."
    for number, row in enumerate(made.rows):
        try:
            found.append(_holiday(row))
        except ValueError as wrong:
            made.errors[f"holiday_first_{number}"] = f"Holiday {row['name'] or number + 1}: {wrong}"
    return found


def _holiday(row: Mapping[str, str]) -> dict[str, str]:
    first = _date(row["first"])
    last = _date(row["last"]) if row["last"] else first
    facts = {"name": row["name"][:NAME_MAX]} if row["name"] else {}
    yearly = row["repeats"] == "yearly"
    if last < first and not yearly:
        raise ValueError(f"it ends on {last.isoformat()}, before it begins on {first.isoformat()}.")
    if yearly:
        if (last - first).days > 365:
            raise ValueError("what comes back every year is at most a year long.")
        facts |= {"yearly": first.isoformat()[5:]} | ({"yearly_end": last.isoformat()[5:]} if last != first else {})
    else:
        if (last - first).days > 3660:
            raise ValueError("it is longer than ten years.")
        facts |= {"date": first.isoformat()} | ({"end_date": last.isoformat()} if last != first else {})
    if row["from"] or row["to"]:
        start, end = read_time(row["from"] or "0:00"), read_time(row["to"] or "24:00")
        if minutes_of(end) <= minutes_of(start):
            raise ValueError(f"it closes from {start} until {end}, which is no time. Write the earlier time first.")
        facts |= {"from": start, "to": end}
    return facts


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "give its date." if not text else f"“{text[:20]}” is no date. Write it like 2026-12-24."
        ) from None


def _written_holiday(facts: str | Mapping[str, str], year: int) -> dict[str, str]:
    if isinstance(facts, str):
        return {**EMPTY_ROW, "first": facts}
    row = {**EMPTY_ROW, "name": facts.get("name", ""), "from": facts.get("from", ""), "to": facts.get("to", "")}
    if "yearly" not in facts:
        return row | {"first": facts["date"], "last": facts.get("end_date", "")}
    first, last = facts["yearly"], facts.get("yearly_end", "")
    begins = LEAP if "02-29" in (first, last) else year
    ends = begins + (1 if last and last < first else 0)
    return row | {"first": f"{begins}-{first}", "last": f"{ends}-{last}" if last else "", "repeats": "yearly"}
