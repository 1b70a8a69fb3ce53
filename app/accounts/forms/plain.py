"""Fields that many forms of accounts have."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from app.core.forms import one_line

NAME_MAX = 120
EMAIL_MAX = 254


def address_of(text: str) -> str:
    """The address as mail servers take it.

    Raises:
        ValueError: that is no e-mail address; says so.
    """
    try:
        # Whether the domain takes mail is for the mail server to say, not for a look-up while somebody waits.
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise ValueError("That is not an e-mail address. Write it like ada@example.com.") from wrong


def is_address(form: object, field: Field) -> None:
    try:
        field.data = address_of(field.data or "")
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from wrong


def name_field(label: str = "Name") -> StringField:
    return StringField(
        label,
        [DataRequired("Enter a name."), Length(max=NAME_MAX, message=f"Use up to {NAME_MAX} characters.")],
        filters=[one_line],
    )


def email_field(label: str = "E-mail") -> StringField:
    return StringField(
        label,
        [DataRequired("Enter an e-mail address."), Length(max=EMAIL_MAX, message="That is too long."), is_address],
        filters=[one_line],
    )
