"""Input of a person's own page."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.localedata import locale_identifiers
from wtforms import PasswordField, SelectField
from wtforms.validators import DataRequired, Length

from app.accounts.forms.plain import PlainForm, email_field, name_field
from app.accounts.rules import PASSWORD_MAX


@cache
def zone_choices() -> tuple[tuple[str, str], ...]:
    """The zones of the IANA database that name a place, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return tuple((name, name.replace("_", " ")) for name in ["UTC", *sorted(places)])


@cache
def locale_choices() -> tuple[tuple[str, str], ...]:
    """Languages as regions write dates and numbers, each by its own name."""
    found = []
    for name in locale_identifiers():
        locale = Locale.parse(name)
        if locale.territory and not locale.variant and not locale.territory.isdigit():
            found.append((name, f"{locale.english_name}"))
    return tuple(sorted(found, key=lambda pair: pair[1]))


class ProfileForm(PlainForm):
    """`zone` and `locale` empty: the organisation's."""

    name = name_field("Your name")
    zone = SelectField("Time zone", choices=lambda: [("", ""), *zone_choices()])
    locale = SelectField("Dates and numbers", choices=lambda: [("", ""), *locale_choices()])


class AddressForm(PlainForm):
    email = email_field("New e-mail address")
    current = PasswordField(
        "Present password",
        [DataRequired("Enter your present password."), Length(max=PASSWORD_MAX, message="That is too long.")],
    )
