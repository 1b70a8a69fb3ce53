"""Input of sign-in and preferences."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.rules import PASSWORD_MAX


class SignInForm(FlaskForm):
    """Both fields are needed; whether they fit is the action's business."""

    email = StringField(
        "E-mail", [DataRequired("Enter your e-mail address."), Length(max=254, message="That is too long.")]
    )
    password = PasswordField(
        "Password",
        [DataRequired("Enter your password."), Length(max=PASSWORD_MAX, message="That is too long.")],
    )

    def problems(self) -> dict[str, str]:
        """Field id → sentence."""
        return {name: " ".join(str(text) for text in texts) for name, texts in self.errors.items() if name}
