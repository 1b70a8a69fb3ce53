"""Calendars and policies as they are written down (JSON, in a file of cases or a table), and what they mean.

A calendar: `tz`, `weekly` (day → windows), `holidays`, and `country` (`code`, `subdivision`) whose public holidays
close it too. A policy: minutes by target and its options; what it does not say has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from app.tickets.rules.business_time import Calendar, Holiday, Window
from app.tickets.rules.country_days import country_days
from app.tickets.rules.sla import RESUME, TARGETS, Policy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
LEAP = 2024  # a yearly holiday may be 29 February
ALWAYS: Mapping[str, Any] = {"tz": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in DAYS}}
"""The calendar of a ticket nobody promised anything for."""


def calendar_of(facts: Mapping[str, Any]) -> Calendar:
    """The calendar that `facts` write down. Raises KeyError, ValueError, ZoneInfoNotFoundError for what is none."""
    weekly = [[window_of(*pair) for pair in facts["weekly"].get(day, ())] for day in DAYS]
    country = facts.get("country")
    closed_on = country_days(country["code"], country.get("subdivision") or None) if country else ()
    return Calendar(ZoneInfo(facts["tz"]), weekly, [holiday_of(one) for one in facts.get("holidays", ())], closed_on)


def policy_of(facts: Mapping[str, Any]) -> Policy:
    """The policy that `facts` write down; what they do not say has its default."""
    standard = Policy({})
    return Policy(
        targets={name: facts.get(name) for name in TARGETS},
        pause_on=frozenset(facts.get("pause_on", standard.pause_on)),
        pause_targets=frozenset(facts.get("pause_targets", standard.pause_targets)),
        reopen=facts.get("reopen", RESUME),
        warn_percent=facts.get("warn_percent", ()),
        escalations=facts.get("escalation_after_breach", ()),
    )


def window_of(opens: str, closes: str) -> Window:
    """A close that is not after its opening is on the next date."""
    start, end = minutes_of(opens), minutes_of(closes)
    return Window(start, end if end > start else end + DAY)


def holiday_of(facts: str | Mapping[str, str]) -> Holiday:
    if isinstance(facts, str):
        return Holiday(date.fromisoformat(facts), date.fromisoformat(facts))
    start, end = minutes_of(facts.get("from", "00:00")), minutes_of(facts.get("to", "24:00"))
    if "yearly" in facts:
        first, last = facts["yearly"], facts.get("yearly_end", facts["yearly"])
        begins, ends = (date.fromisoformat(f"{LEAP}-{day}") for day in (first, last))
        return Holiday(begins, ends, yearly=True, start=start, end=end)
    first, last = facts["date"], facts.get("end_date", facts["date"])
    return Holiday(date.fromisoformat(first), date.fromisoformat(last), start=start, end=end)


def minutes_of(text: str) -> int:
    """Minutes after midnight of `09:30`."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def clock_of(minutes: int) -> str:
    """`09:30` of minutes after midnight; what is past midnight is the next day's, midnight itself 24:00."""
    within = minutes if minutes <= DAY else minutes - DAY
    return f"{within // 60:02d}:{within % 60:02d}"
