"""A category's name and description."""

from __future__ import annotations

from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.core.forms import PlainForm, one_line

_NAME, _DESCRIPTION = 60, 200


class CategoryForm(PlainForm):
    name = StringField(
        "Name",
        [DataRequired("Enter a name."), Length(max=_NAME, message=f"Use up to {_NAME} characters.")],
        filters=[one_line],
    )
    description = StringField(
        "Description", [Length(max=_DESCRIPTION, message=f"Use up to {_DESCRIPTION} characters.")], filters=[one_line]
    )
    version = HiddenField("Version")
