"""Input of sign-in."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from app.accounts.rules import PASSWORD_MAX

# NUL and lone surrogates cannot even be asked for in PostgreSQL.
_PRINTABLE = r"[^\x00-\x1f\x7f\ud800-\udfff]*\Z"


class SignInForm(FlaskForm):
    """Both fields are needed; whether they fit is the action's business."""

    email = StringField(
        "E-mail",
        [
            DataRequired("Enter your e-mail address."),
            Length(max=254, message="That is too long."),
            Regexp(_PRINTABLE, message="That is not an e-mail address."),
        ],
    )
    password = PasswordField(
        "Password",
        [DataRequired("Enter your password."), Length(max=PASSWORD_MAX, message="That is too long.")],
    )

    def problems(self) -> dict[str, str]:
        """Field id → sentence."""
        return {name: " ".join(str(text) for text in texts) for name, texts in self.errors.items() if name}
