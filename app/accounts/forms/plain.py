"""What all forms of accounts share: sentences by field, and texts cleaned of what cannot be stored."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from app.core.records.text import clean

NAME_MAX = 120
EMAIL_MAX = 254


class PlainForm(FlaskForm):
    """A form that says what is wrong as field id → sentence. Fields it does not name are never read."""

    def problems(self) -> dict[str, str]:
        return {name: " ".join(str(text) for text in texts) for name, texts in self.errors.items() if name}


def one_line(text: str | None) -> str:
    """Control characters gone, white space folded: a name can stand in a header and a log."""
    return " ".join(clean(text or "").split())


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
