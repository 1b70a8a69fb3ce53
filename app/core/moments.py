"""Days and instants as people read them.

Babel reads its patterns anew for each value, which was a fifth of a list's time; the rows of a list are mostly those
shown a moment ago.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime


def show_instant(at: datetime, zone: tzinfo, locale: Locale | str, form: str = "medium") -> str:
    """In the reader's zone and language, to the second at the most."""
    return _instant(at.replace(microsecond=0), zone, locale, form)


@lru_cache(maxsize=8192)
def show_day(day: date, locale: Locale | str, form: str = "medium") -> str:
    """In the reader's language."""
    return format_date(day, form, locale=locale)


@lru_cache(maxsize=8192)
def _instant(at: datetime, zone: tzinfo, locale: Locale | str, form: str) -> str:
    return format_datetime(at, form, tzinfo=zone, locale=locale)
