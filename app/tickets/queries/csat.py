"""What requesters thought: the ratings of a ticket, and how many were good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select

from app.accounts.queries import find_person, list_teams
from app.core.records.kind import kind_named
from app.core.records.queries import visible
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.tickets.models import Ticket, TicketMessage, TicketRating
from app.tickets.models.messages import OPENING
from app.tickets.rules.csat import BAD, GOOD

GROUPS = ("owner_id", "team_id", "category_id", "priority", "channel", "customer")
"""What a rate can be told apart by."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many tickets were rated good and bad; `key` is the value of the column they share, None without one."""

    key: Any
    good: int
    bad: int

    @property
    def rated(self) -> int:
        return self.good + self.bad

    @property
    def share(self) -> float | None:
        """The share of good ones, 0 to 1; None while nobody has rated anything."""
        return self.good / self.rated if self.rated else None


def list_csat_rates(
    scope: Scope, since: datetime, until: datetime | None = None, *, by: str | None = None
) -> tuple[Rate, ...]:
    """The ratings of tickets that were resolved since then and are now, of those the asker sees.

    Without `by` it is one rate of all; else one for each value of that column, the most rated first. What it counts is
    what the list shows for `csat=good` (or `bad`) and the same days of `resolved_at`.

    Raises:
        ValueError: `by` is not one of `GROUPS`.
    """
    if by is not None and by not in GROUPS:
        raise ValueError(f"A rate is told apart by one of {', '.join(GROUPS)}, not by {by!r}.")
    column: Any = getattr(Ticket, by) if by else None
    kind = kind_named("ticket")
    good, bad = (func.count().filter(Ticket.csat == answer) for answer in (GOOD, BAD))
    query = select(*([column] if by else []), good, bad).where(
        Ticket.tenant_id == scope.tenant_id,
        Ticket.deleted_at.is_(None),
        Ticket.csat.is_not(None),
        Ticket.resolved_at >= since,
        *visible(scope, kind),
    )
    if until is not None:
        query = query.where(Ticket.resolved_at < until)
    if by:
        query = query.group_by(column)
    rows = [tuple(row) if by else (None, *row) for row in db.session.execute(query)]
    return tuple(sorted((Rate(*row) for row in rows), key=lambda rate: (-rate.rated, str(rate.key))))


def list_ratings(scope: Scope, ticket_id: UUID) -> list[TicketRating]:
    """What was answered about a ticket the caller has got, newest first."""
    query = select(TicketRating).where(TicketRating.ticket_id == ticket_id, TicketRating.rating.is_not(None))
    return list(db.session.scalars(query.order_by(TicketRating.id.desc()).limit(20)))


def find_rating(tenant_id: UUID, rating_id: UUID, *, lock: bool = False) -> tuple[TicketRating, Ticket] | None:
    """A rating and its ticket, for whoever holds its link; None if there is none, or the ticket was deleted."""
    query = (
        select(TicketRating, Ticket)
        .join(Ticket, (Ticket.tenant_id == TicketRating.tenant_id) & (Ticket.id == TicketRating.ticket_id))
        .where(TicketRating.tenant_id == tenant_id, TicketRating.id == rating_id, Ticket.deleted_at.is_(None))
    )
    if lock:
        query = query.with_for_update(of=TicketRating).execution_options(populate_existing=True)
    row = db.session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def find_last_asked(scope: Scope, ticket_id: UUID) -> datetime | None:
    """When the requester of a ticket was last asked."""
    query = select(func.max(TicketRating.created_at)).where(
        TicketRating.tenant_id == scope.tenant_id, TicketRating.ticket_id == ticket_id
    )
    return db.session.scalars(query).one()


def list_unanswered(scope: Scope, ticket_id: UUID) -> list[TicketRating]:
    """Questions about a ticket that nobody has answered, newest first."""
    query = select(TicketRating).where(
        TicketRating.tenant_id == scope.tenant_id, TicketRating.ticket_id == ticket_id, TicketRating.rating.is_(None)
    )
    return list(db.session.scalars(query.order_by(TicketRating.id.desc()).limit(20)))


def is_automatic(scope: Scope, ticket_id: UUID) -> bool:
    """Whether a program opened the ticket."""
    opened = exists().where(
        TicketMessage.tenant_id == scope.tenant_id,
        TicketMessage.ticket_id == ticket_id,
        TicketMessage.kind == OPENING,
        TicketMessage.automatic,
    )
    return bool(db.session.scalars(select(opened)).one())


def find_sent_at(scope: Scope, mail_id: UUID) -> datetime | None:
    """When the mail server took the mail; None if it has not, or the mail is forgotten."""
    query = select(OutgoingMail.sent_at).where(OutgoingMail.tenant_id == scope.tenant_id, OutgoingMail.id == mail_id)
    return db.session.scalars(query).one_or_none()


def list_answerable(scope: Scope, ticket: Ticket) -> list[UUID]:
    """Who hears of a bad rating: the assignee, and who may set up the desk among the people of their teams and the
    ticket's.
    """
    teams = [team for team in list_teams(scope) if team.id == ticket.team_id or ticket.owner_id in team.members]
    crowd = {member for team in teams for member in team.members}
    managers = [user_id for user_id in sorted(crowd) if _manages(scope, user_id)]
    return [*managers, *([ticket.owner_id] if ticket.owner_id else [])]


def _manages(scope: Scope, user_id: UUID) -> bool:
    who = find_person(scope.tenant_id, user_id)
    return who is not None and "desk:manage" in who.rights.permissions
