"""Input of an organisation's settings: what was typed, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app.accounts.rules import BOUNDS, KEPT_FOR_GOOD
from app.core import localities
from app.core.records.text import clean

LABELS = {
    "name": "Name",
    "zone": "Time zone",
    "locale": "Dates and numbers",
    "region": "Country",
    "currency": "Currency",
    "lockout_tries": "Wrong tries before a pause",
    "session_hours": "Hours until everybody signs in again",
    "idle_minutes": "Minutes without use until signed out",
    "second_factor_for": "Roles that need a second factor",
    "keep_deleted_days": "Days deleted records can be restored",
    "keep_imports_days": "Days imported files' reports are kept",
    "keep_sign_ins_days": "Days sign-ins are listed",
    "keep_closed_leads_days": "Days closed leads are kept",
}
_NAME_MAX = 100
_LISTS = {"locale": localities.locales, "region": localities.regions, "currency": localities.currencies}
_MANY = "second_factor_for"


@dataclass(slots=True)
class OrganisationForm:
    """`raw` is what was typed, by field; `values` what it means, for the fields that have no error."""

    raw: dict[str, str]
    version: int
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def filled(settings: Mapping[str, Any], version: int) -> OrganisationForm:
    """The form as it first stands on the page."""
    return OrganisationForm({name: written(settings[name]) for name in LABELS}, version)


def read(form: MultiDict[str, str], settings: Mapping[str, Any], roles: frozenset[str]) -> OrganisationForm:
    """Reads the whole form, or the choices made after a conflict: there `theirs` is what is stored now.

    `roles` are those a second factor can be asked of.
    """
    stored = {name: written(settings[name]) for name in LABELS}
    made = OrganisationForm({name: _typed(form, name, stored[name]) for name in LABELS}, _number(form.get("version")))
    for name, text in made.raw.items():
        try:
            made.values[name] = _meaning(name, text, roles, stored[name])
        except ValueError as wrong:
            made.errors[name] = str(wrong)
    return made


def written(value: Any) -> str:
    """A setting as a form carries it."""
    if isinstance(value, list | tuple):
        return ",".join(value)
    return "" if value is None else str(value)


def _typed(form: MultiDict[str, str], name: str, stored: str) -> str:
    choice = form.get(f"choice-{name}")
    if choice is not None:
        return form.get(f"mine-{name}", "") if choice == "mine" else stored
    return ",".join(form.getlist(name)) if name == _MANY else form.get(name, "")


def _meaning(name: str, text: str, roles: frozenset[str], stored: str) -> Any:
    """Raises ValueError with a sentence for what cannot be."""
    if name == "name":
        return _name(text)
    if name == "zone":
        return _zone(text, stored)
    if name in _LISTS:
        return _one_of(name, text, stored)
    if name == _MANY:
        return [role for role in text.split(",") if role in roles]
    return _days(name, text)


def _name(text: str) -> str:
    name = " ".join(clean(text).split())
    if not name:
        raise ValueError("Enter the organisation's name.")
    if len(name) > _NAME_MAX:
        raise ValueError(f"Use {_NAME_MAX} characters at most.")
    return name


def _zone(text: str, stored: str) -> str:
    found = localities.zone_named(text[:80])
    if found is None and text != stored:
        raise ValueError("There is no such time zone. Type a city such as Berlin, and choose one of the list.")
    return found or stored


def _one_of(name: str, text: str, stored: str) -> str:
    if text != stored and text not in dict(_LISTS[name]()):
        raise ValueError("Choose one of the list.")
    return text


def _days(name: str, text: str) -> int | None:
    least, most = BOUNDS[name]
    if not text.strip() and name in KEPT_FOR_GOOD:
        return None
    number = _number(text)
    if not least <= number <= most:
        raise ValueError(f"Enter a whole number from {least} to {most:,}.")
    return number


def _number(text: str | None) -> int:
    """The number, or one that is out of every bound."""
    plain = (text or "").strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 9 else -1
