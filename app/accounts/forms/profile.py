"""Input of a person's own page."""

from __future__ import annotations

from wtforms import PasswordField, SelectField
from wtforms.validators import DataRequired, Length

from app.accounts.forms.plain import email_field, name_field
from app.accounts.rules import PASSWORD_MAX
from app.core import localities
from app.core.forms import PlainForm


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in localities.zones()]


def locale_choices() -> list[tuple[str, str]]:
    return list(localities.locales())


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
