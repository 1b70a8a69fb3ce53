"""What an organisation or person can choose of the world: time zones, languages, countries, currencies.

All of it as CLDR (Babel) and the time zone database have it; each list is made once a process.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from babel.core import Locale, get_global
from babel.localedata import locale_identifiers
from babel.numbers import get_currency_name, get_territory_currencies

_ENGLISH = Locale("en")
# Old names and offsets without a place; CLDR and browsers still know them, but nobody should choose one.
_AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

Choices = list[tuple[str, str]]


@cache
def zones() -> tuple[str, ...]:
    """Names of the time zone database, by area; UTC first."""
    placed = (name for name in available_timezones() if name.partition("/")[0] in _AREAS)
    return ("UTC", *sorted(placed))


def zone_named(text: str) -> str | None:
    """The zone somebody means: by its name, or by its city alone if there is one such city."""
    wanted = "_".join(text.replace("_", " ").split()).casefold()
    return _zones_by_name().get(wanted)


@cache
def locales() -> Choices:
    """Ways to write dates and numbers, by name: languages in a country."""
    found = {"en": "English"}
    for identifier in locale_identifiers():
        locale = Locale.parse(identifier)
        if locale.territory and len(locale.territory) == 2 and not locale.variant:
            found[identifier] = locale.get_display_name("en") or identifier
    return sorted(found.items(), key=lambda pair: pair[1])


@cache
def regions() -> Choices:
    """Countries (ISO 3166), by name."""
    from phonenumbers import SUPPORTED_REGIONS

    names = _ENGLISH.territories
    return sorted(((code, names[code]) for code in SUPPORTED_REGIONS if code in names), key=lambda pair: pair[1])


@cache
def currencies() -> Choices:
    """Currencies that are tender somewhere today (ISO 4217), by code."""
    codes = {code for place in get_global("territory_currencies") for code in get_territory_currencies(place)}
    return [(code, f"{code} · {get_currency_name(code, locale='en')}") for code in sorted(codes)]


@cache
def _zones_by_name() -> dict[str, str]:
    by_city: dict[str, list[str]] = {}
    for name in zones():
        by_city.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
    alone = {city: names[0] for city, names in by_city.items() if len(names) == 1}
    # The whole set, so that a name stored long ago is still one.
    return alone | {name.casefold(): name for name in available_timezones()}
