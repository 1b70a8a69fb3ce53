"""Input about passwords. Whether one is strong enough is the action's business."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from app.accounts.forms.plain import EMAIL_MAX, name_field
from app.accounts.rules import PASSWORD_MAX
from app.core.forms import PlainForm, one_line

_TOO_LONG = Length(max=PASSWORD_MAX, message=f"Use up to {PASSWORD_MAX} characters.")


class ForgottenForm(PlainForm):
    email = StringField(
        "E-mail",
        [DataRequired("Enter your e-mail address."), Length(max=EMAIL_MAX, message="That is too long.")],
        filters=[one_line],
    )


class NewPasswordForm(PlainForm):
    password = PasswordField("New password", [DataRequired("Choose a password."), _TOO_LONG])
    again = PasswordField(
        "New password again",
        [EqualTo("password", message="The two are not the same. Type the new password again.")],
    )


class ChangePasswordForm(NewPasswordForm):
    current = PasswordField("Present password", [DataRequired("Enter your present password."), _TOO_LONG])


class JoinForm(PlainForm):
    """An invitation accepted with a password."""

    name = name_field("Your name")
    password = PasswordField("Password", [DataRequired("Choose a password."), _TOO_LONG])
