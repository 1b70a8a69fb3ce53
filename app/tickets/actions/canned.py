"""Canned replies: written once, filled in for a ticket, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.accounts.queries import list_teams
from app.core.clock import new_id
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import publish
from app.core.records.text import clean, fold
from app.core.scope import Scope
from app.extensions import db
from app.tickets.events import CannedReplyChanged
from app.tickets.models import CannedReply, Ticket
from app.tickets.models.conversation import ALL, OWN, TEAM, VISIBILITIES
from app.tickets.queries import canned as reading
from app.tickets.rules import conversation as rules

TITLE_MAX, BODY_MAX, CATEGORY_MAX = 80, 10_000, 60
_OFFERED = 8


@dataclass(frozen=True, slots=True)
class CannedValues:
    """What one is made of."""

    title: str
    body: str
    category: str = ""
    visibility: str = OWN
    team_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A canned reply with its variables filled in for one ticket."""

    id: UUID
    title: str
    category: str
    text: str


def save_canned(
    scope: Scope, values: CannedValues, *, canned_id: UUID | None = None, version: int | None = None
) -> CannedReply:
    """Makes one, or changes the one of that id.

    Raises:
        NotFound: there is none. Forbidden: it is not the asker's to change, or to share.
        Conflict: somebody changed it since `version`.
        Invalid: something of it cannot be; an unknown variable is named.
    """
    checked = _checked(scope, values)
    if checked.visibility != OWN and not scope.may("desk:manage"):
        raise Forbidden("Only those who set up the service desk can share canned replies.")
    row = reading.get_canned(scope, canned_id, lock=True) if canned_id else _fresh(scope)
    if canned_id and not may_change(scope, row):
        raise Forbidden("This canned reply is shared; only those who set up the service desk can change it.")
    if version is not None and version != row.version:
        theirs = {"title": row.title, "body": row.body}
        raise Conflict("Somebody changed this while you were editing it.", theirs=theirs, version=row.version)
    row.title, row.body, row.category = checked.title, checked.body, checked.category
    row.title_key, row.visibility, row.team_id = fold(checked.title), checked.visibility, checked.team_id
    row.owner_id = scope.user_id if checked.visibility == OWN else None
    row.updated_at, row.version = scope.now, row.version + 1
    db.session.add(row)
    db.session.flush()
    what = "changed" if canned_id else "added"
    publish(scope, CannedReplyChanged("canned_reply", row.id, title=row.title, what=what))
    return row


def delete_canned(scope: Scope, canned_id: UUID) -> None:
    """Raises NotFound, or Forbidden for one that is shared and not the asker's to change."""
    row = reading.get_canned(scope, canned_id, lock=True)
    if not may_change(scope, row):
        raise Forbidden("This canned reply is shared; only those who set up the service desk can delete it.")
    db.session.delete(row)
    db.session.flush()
    publish(scope, CannedReplyChanged("canned_reply", row.id, title=row.title, what="deleted"))


def offer(scope: Scope, ticket: Ticket, q: str) -> list[Offered]:
    """What fits the words typed, ready to be used on this ticket."""
    values = _values(scope, ticket)
    rows = reading.list_canned(scope, q, limit=_OFFERED)
    return [Offered(row.id, row.title, row.category, rules.fill(row.body, values)) for row in rows]


def use(scope: Scope, ticket: Ticket, canned_id: UUID) -> str:
    """The text for this ticket; counted as used. Raises NotFound."""
    row = reading.get_canned(scope, canned_id, lock=True)
    row.uses += 1
    db.session.flush()
    return rules.fill(row.body, _values(scope, ticket))


def may_change(scope: Scope, row: CannedReply) -> bool:
    """One's own anybody may change, those that others use whoever sets up the desk."""
    return (row.visibility == OWN and row.owner_id == scope.user_id) or (
        row.visibility != OWN and scope.may("desk:manage")
    )


def _values(scope: Scope, ticket: Ticket) -> Mapping[str, str]:
    return rules.variable_values(
        number=ticket.number,
        subject=ticket.subject,
        requester=ticket.requester_name,
        email=ticket.requester_email,
        customer=ticket.customer,
        agent=scope.user_name,
        house=scope.tenant_name,
    )


def _checked(scope: Scope, values: CannedValues) -> CannedValues:
    title, body, category = " ".join(clean(values.title).split()), clean(values.body), clean(values.category)
    errors = {}
    if not 1 <= len(title) <= TITLE_MAX:
        errors["title"] = f"Give it a title of at most {TITLE_MAX} characters."
    if not 1 <= len(body) <= BODY_MAX:
        errors["body"] = f"Write the text, at most {BODY_MAX:,} characters."
    elif unknown := rules.unknown_variables(body):
        known = ", ".join(rules.VARIABLES)
        errors["body"] = f"There is no variable {{{{{unknown[0]}}}}}. There are: {known}."
    if len(category) > CATEGORY_MAX:
        errors["category"] = f"At most {CATEGORY_MAX} characters."
    if values.visibility not in VISIBILITIES:
        errors["visibility"] = "Choose who may use it."
    if values.visibility == TEAM and values.team_id not in [team.id for team in list_teams(scope)]:
        errors["team_id"] = "Choose the team."
    if errors:
        raise Invalid(errors)
    team = values.team_id if values.visibility == TEAM else None
    return CannedValues(title, body, " ".join(category.split()), values.visibility, team)


def _fresh(scope: Scope) -> CannedReply:
    return CannedReply(
        tenant_id=scope.tenant_id,
        id=new_id(),
        visibility=ALL,
        uses=0,
        created_at=scope.now,
        updated_at=scope.now,
        version=0,
    )
