"""Input of a role: a matrix of kinds and what may be done with them, and of teams."""

from __future__ import annotations

from typing import Any

from flask import request
from wtforms import HiddenField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.forms.people import ids_in
from app.core.access import ACTIONS, KINDS, PERMISSIONS, Reach
from app.core.forms import PlainForm, one_line

_NAME_MAX = 60


class RoleForm(PlainForm):
    """Name and description; the matrix is read by `permissions` and `reach`: what is not known there is not read."""

    name = StringField(
        "Name",
        [DataRequired("Enter a name."), Length(max=_NAME_MAX, message=f"Use up to {_NAME_MAX} characters.")],
        filters=[one_line],
    )
    description = StringField("Description", [Length(max=200, message="Use up to 200 characters.")], filters=[one_line])
    version = HiddenField("Version")

    def permissions(self) -> tuple[str, ...]:
        ticked = set(request.form.getlist("permissions"))
        known = {f"{kind}:{action}" for kind in KINDS for action in ACTIONS} | set(PERMISSIONS)
        return tuple(sorted(ticked & known))

    def reach(self) -> dict[str, dict[str, str]]:
        return {kind: {side: _reach(f"{kind}-{side}") for side in ("sees", "changes")} for kind in sorted(KINDS)}

    def problems(self) -> dict[str, str]:
        """What is changed must be seen; a role that sees nothing of a kind may do nothing with it."""
        found = super().problems()
        for kind, far in self.reach().items():
            if not Reach(far["sees"]).covers(Reach(far["changes"])):
                found[f"{kind}-changes"] = "It cannot change what it does not see: let it see as much as it changes."
        return found

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name.data or "",
            "description": self.description.data or "",
            "permissions": self.permissions(),
            "reach": self.reach(),
        }


class TeamForm(PlainForm):
    name = StringField(
        "Name",
        [DataRequired("Enter a name."), Length(max=_NAME_MAX, message=f"Use up to {_NAME_MAX} characters.")],
        filters=[one_line],
    )
    members = SelectMultipleField("Members", validate_choice=False)
    version = HiddenField("Version")

    def member_ids(self) -> list[Any]:
        return ids_in(self.members.data or [])


def _reach(name: str) -> str:
    given = request.form.get(name, "none")
    return given if given in set(Reach) else "none"
