"""The public holidays of a country or its subdivision, by the `holidays` library, year by year as they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache


class CountryDays:
    """Dates with names. Years are looked up once; a whole year appears at once, so threads may share it."""

    def __init__(self, code: str, subdivision: str | None) -> None:
        self._code, self._subdivision = code, subdivision
        self._years: dict[int, Mapping[date, str]] = {}

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in self.of_year(day.year)

    def of_year(self, year: int) -> Mapping[date, str]:
        """The year's holidays with their names, in order."""
        found = self._years.get(year)
        if found is None:
            import holidays

            made = holidays.country_holidays(
                self._code, subdiv=self._subdivision, years=year, expand=False, language="en_US"
            )
            found = self._years[year] = dict(sorted(made.items()))
        return found


@lru_cache(maxsize=256)
def country_days(code: str, subdivision: str | None = None) -> CountryDays:
    """Raises ValueError: no such country or subdivision."""
    if subdivision not in (None, *_subdivisions().get(code, ())) or code not in _subdivisions():
        raise ValueError(f"{code} {subdivision or ''} is no country whose holidays are known.")
    return CountryDays(code, subdivision)


def countries() -> tuple[str, ...]:
    """The codes (ISO 3166) of countries whose holidays are known."""
    return tuple(_subdivisions())


def subdivisions_of(code: str) -> Mapping[str, str]:
    """The subdivisions of a country whose holidays differ, code → name (the code where no name is known)."""
    import holidays

    if code not in _subdivisions():
        return {}
    aliases = getattr(holidays.country_holidays(code), "subdivisions_aliases", None) or {}
    names: dict[str, str] = {}
    for name, short in aliases.items():
        names.setdefault(short, name)
    return {short: names.get(short, short) for short in _subdivisions()[code]}


@cache
def _subdivisions() -> Mapping[str, tuple[str, ...]]:
    import holidays

    found = holidays.list_supported_countries(include_aliases=False)
    return {code: tuple(parts) for code, parts in sorted(found.items()) if len(code) == 2}
