"""Dates and instants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil import parser as dates

from app.core.moments import show_day, show_instant
from app.core.records.fields.field import Field, FieldError, FieldType, ParseContext
from app.core.scope import Scope


class Date(FieldType):
    widget = "date"
    operators = ("from", "to")

    def sought(self, raw: str, spec: Field, context: ParseContext) -> date:
        """`now` is the asker's today, `-7d` a week before it, `+2w` a fortnight after."""
        if found := _RELATIVE.fullmatch(raw):
            return (context.scope.now.astimezone(context.scope.zone_info) + _distance(found)).date()
        return self.parse(raw, spec, context)

    def basis(self, raw: str, scope: Scope) -> str:
        return scope.now.astimezone(scope.zone_info).date().isoformat() if _RELATIVE.fullmatch(raw) else ""

    def convert(self, text: str, spec: Field, context: ParseContext) -> date:
        return _moment(text, spec, context).date()

    def text(self, value: Any, scope: Scope) -> str:
        return value.isoformat() if value else ""

    def show(self, value: Any, scope: Scope) -> str:
        return show_day(value, scope.locale) if value else ""


class DateTime(FieldType):
    """An instant: typed and shown in the reader's zone, kept in UTC."""

    widget = "datetime-local"
    operators = ("from", "to")

    def convert(self, text: str, spec: Field, context: ParseContext) -> datetime:
        moment = _moment(text, spec, context)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=context.scope.zone_info)
        return moment.astimezone(UTC).replace(microsecond=0)

    def sought(self, raw: str, spec: Field, context: ParseContext) -> datetime:
        """`now`, or so long before or after it: `-7d`, `+4h`. To the minute, so that what is kept can be used."""
        if found := _RELATIVE.fullmatch(raw):
            return _minute(context.scope) + _distance(found)
        return self.parse(raw, spec, context)

    def basis(self, raw: str, scope: Scope) -> str:
        return _minute(scope).isoformat() if _RELATIVE.fullmatch(raw) else ""

    def text(self, value: Any, scope: Scope) -> str:
        return value.astimezone(scope.zone_info).strftime("%Y-%m-%dT%H:%M:%S") if value else ""

    def show(self, value: Any, scope: Scope) -> str:
        return show_instant(value, scope.zone_info, scope.locale) if value else ""


_RELATIVE = re.compile(r"now|([+-]\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _minute(scope: Scope) -> datetime:
    return scope.now.replace(second=0, microsecond=0)


def _distance(found: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[1] else timedelta()


def _moment(text: str, spec: Field, context: ParseContext) -> datetime:
    """A date or date-time: ISO 8601 first, then what people write, month before day unless told otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = _read_date(text, context.day_first)
        except (ValueError, OverflowError, TypeError, AttributeError) as wrong:
            raise FieldError(f"{spec.label}: “{text[:40]}” is not a date. Write it like 2026-11-21.") from wrong
    if not 1900 <= moment.year <= 2200:
        raise FieldError(f"{spec.label}: the year must be between 1900 and 2200.")
    return moment


_WHOLE_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")


def _read_date(text: str, day_first: bool) -> datetime:
    """What people write, if it names a day, a month and a year: nothing of a date is guessed.

    Raises:
        ValueError: it is no date, or not a whole one.
    """
    moment = dates.parse(text, dayfirst=day_first, default=datetime(2000, 1, 1))  # noqa: DTZ001
    if not _WHOLE_DATE.fullmatch(text) and moment != dates.parse(
        text,
        dayfirst=day_first,
        default=datetime(2001, 2, 2),  # noqa: DTZ001
    ):
        raise ValueError("part of the date is missing")
    return moment
