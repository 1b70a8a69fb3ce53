"""Input of a personal token."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import request
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.core.forms import PlainForm, one_line
from app.core.scope import Scope

OTHER = "date"
LIVES = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), (OTHER, "Until the day below")]
_DATE_MAX = 10


class TokenForm(PlainForm):
    """`scopes` repeats; which of them can be is the action's business."""

    name = StringField(
        "Name",
        [
            DataRequired("Say what the token is for, such as the name of the program."),
            Length(max=60, message="Too long."),
        ],
        filters=[one_line],
    )
    expires = SelectField("Lives", choices=LIVES, default="90", validate_choice=False)
    until = StringField("Until", filters=[one_line])

    def scopes(self) -> list[str]:
        return request.form.getlist("scopes")[:200]

    def expires_at(self, scope: Scope) -> datetime:
        """The instant it ends: a day ends at its midnight where the asker is. The past for what cannot be read."""
        if self.expires.data in dict(LIVES) and self.expires.data != OTHER:
            return scope.now + timedelta(days=int(self.expires.data))
        try:
            day = date.fromisoformat((self.until.data or "")[:_DATE_MAX])
            return datetime.combine(day + timedelta(days=1), time(), scope.zone_info)
        except (ValueError, OverflowError):
            return scope.now
