"""Input at the operators' console."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import UUID as IsUuid
from wtforms.validators import DataRequired, Length, ValidationError

from app.accounts.forms.plain import EMAIL_MAX, email_field, name_field
from app.accounts.rules import PASSWORD_MAX, is_reserved, is_slug
from app.core import localities
from app.core.forms import PlainForm, one_line
from app.core.records.text import clean
from app.operator.rules import REASON_MAX, REASON_MIN

_LONG = "That is too long."


class SignInForm(PlainForm):
    """All three are needed; whether they fit is the action's business."""

    email = StringField(
        "E-mail",
        [DataRequired("Enter your e-mail address."), Length(max=EMAIL_MAX, message=_LONG)],
        filters=[one_line],
    )
    password = PasswordField(
        "Password", [DataRequired("Enter your password."), Length(max=PASSWORD_MAX, message=_LONG)]
    )
    code = StringField("Code", [DataRequired("Enter the code your app shows."), Length(max=20, message=_LONG)])


class EnrolForm(PlainForm):
    password = PasswordField("Password", [DataRequired("Choose a password."), Length(max=PASSWORD_MAX, message=_LONG)])
    again = PasswordField("Password, again", [DataRequired("Enter the password again.")])
    code = StringField("Code", [DataRequired("Enter the code your app shows."), Length(max=20, message=_LONG)])


class OperatorForm(PlainForm):
    name = name_field()
    email = email_field()


class OwnerForm(PlainForm):
    owner_name = name_field("Owner's name")
    owner_email = email_field("Owner's e-mail")


class TenantForm(OwnerForm):
    """A new organisation and its first owner. `tenant_id` was chosen when the form was drawn."""

    tenant_id = HiddenField(validators=[IsUuid("Open this page again.")])
    name = name_field("Name")
    slug = StringField(
        "Short name",
        [DataRequired("Enter a short name.")],
        filters=[lambda text: one_line(text).lower()],
    )
    zone = StringField("Time zone", [DataRequired("Choose a time zone.")], filters=[one_line])
    locale = StringField("Dates and numbers")
    region = StringField("Country")
    currency = StringField("Currency")

    def validate_slug(self, field: StringField) -> None:
        slug = field.data or ""
        if not is_slug(slug):
            raise ValidationError("Use small letters, digits and hyphens, up to 63.")
        if is_reserved(slug):
            raise ValidationError(f"{slug} is reserved. Choose another short name.")

    def validate_zone(self, field: StringField) -> None:
        found = localities.zone_named((field.data or "")[:80])
        if found is None:
            raise ValidationError("There is no such time zone. Type a city such as Berlin, and choose one of the list.")
        field.data = found

    def validate_locale(self, field: StringField) -> None:
        _is_one_of(field, localities.locales())

    def validate_region(self, field: StringField) -> None:
        _is_one_of(field, localities.regions())

    def validate_currency(self, field: StringField) -> None:
        _is_one_of(field, localities.currencies())


class ReasonForm(PlainForm):
    """Why: told to the owners, and kept."""

    reason = TextAreaField(
        "Reason",
        [
            DataRequired("Say why: its owners are told."),
            Length(REASON_MIN, REASON_MAX, f"Use {REASON_MIN} to {REASON_MAX} characters."),
        ],
        filters=[lambda text: clean(text or "").strip()],
    )


def _is_one_of(field: StringField, choices: list[tuple[str, str]]) -> None:
    if field.data not in dict(choices):
        raise ValidationError("Choose one of the list.")
