"""Input about people: invitations, roles and teams."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from app.accounts.forms.plain import NAME_MAX, address_of
from app.core.forms import PlainForm, one_line

MOST_AT_ONCE = 50
_LINE = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>]+)>|(?P<plain>\S+)")


@dataclass(frozen=True, slots=True)
class Invitee:
    """One line of the invitation: as typed, and what it says. `problem` instead of an address, if it says none."""

    line: str
    name: str = ""
    email: str = ""
    problem: str = ""


class InviteForm(PlainForm):
    addresses = TextAreaField(
        "E-mail addresses",
        [DataRequired("Enter at least one e-mail address."), Length(max=20_000, message="That is too long.")],
    )
    role = StringField("Role", [DataRequired("Choose a role."), Length(max=60)])
    teams = SelectMultipleField("Teams", validate_choice=False)

    def invitees(self) -> list[Invitee]:
        """A line each: an address, or a name with the address in angle brackets; also divided by commas."""
        lines = [one_line(line) for line in re.split(r"[\r\n;,]+", self.addresses.data or "")]
        return [_invitee(line) for line in lines if line]

    def team_ids(self) -> list[UUID]:
        return ids_in(self.teams.data or [])


class PersonRoleForm(PlainForm):
    role = StringField("Role", [DataRequired("Choose a role."), Length(max=60)])


class PersonTeamsForm(PlainForm):
    teams = SelectMultipleField("Teams", validate_choice=False)

    def team_ids(self) -> list[UUID]:
        return ids_in(self.teams.data or [])


def ids_in(texts: list[str]) -> list[UUID]:
    """The ids among what was sent; what is none names nobody."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _invitee(line: str) -> Invitee:
    found = _LINE.fullmatch(line)
    try:
        email = address_of((found["email"] or found["plain"]) if found else line)
    except ValueError as wrong:
        return Invitee(line, problem=str(wrong))
    name = (found["name"] or "").strip('" ') if found else ""
    return Invitee(line, name[:NAME_MAX], email)
