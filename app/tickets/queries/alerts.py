"""Who is to hear of a clock, and what waits to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, true

from app.accounts.queries import find_person, get_tenant, list_teams, list_users, scope_of
from app.core.records.kind import kind_named
from app.core.records.reach import owners_seen
from app.core.scope import Scope
from app.core.templating import local_time
from app.extensions import db
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaAlert
from app.tickets.rules.lifecycle import title_of
from app.tickets.rules.standing import BREACH, WARNING

_MANAGERS = ("manager",)
_ELSE = ("admin", "owner")
NAMES = {"first_response": "first response", "next_response": "next response", "resolution": "resolution"}


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One thing somebody is to hear of, as a line in their zone."""

    id: UUID
    ticket_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """All that one person is to hear of: the first `lines`, and how much it is. `late` are tickets with more than a
    warning."""

    user_id: UUID
    lines: Sequence[AlertLine]
    count: int
    tickets: int
    late: int


def list_listeners(scope: Scope, ticket: Ticket, level: Mapping[str, Any], *, to_managers: bool) -> list[UUID]:
    """The assignee; of a ticket of nobody's its team, and if there is none (and `to_managers`) those who manage.

    `level` is an escalation's, which names more. Nobody hears of a ticket they may not see.
    """
    wanted: list[UUID] = [ticket.owner_id] if ticket.owner_id else _team(scope, ticket.team_id)
    if (to_managers and not wanted) or level.get("notify_managers"):
        wanted += list_managers(scope)
    wanted += [UUID(one) for one in (*level.get("notify", ()), level.get("assign_to")) if one]
    return [user_id for user_id in dict.fromkeys(wanted) if is_seen_by(scope, user_id, ticket)]


def list_managers(scope: Scope) -> list[UUID]:
    """Everybody with the role of a manager; where there is none, administrators and owners."""
    people = list_users(scope)
    for roles in (_MANAGERS, _ELSE):
        if found := [person.id for person in people if person.role in roles]:
            return found
    return []


def is_seen_by(scope: Scope, user_id: UUID, ticket: Ticket) -> bool:
    """Whether the person is here and the ticket is within their reach."""
    who = find_person(scope.tenant_id, user_id)
    if who is None or who.disabled:
        return False
    theirs = scope_of(get_tenant(scope.tenant_id), who, scope.now)
    seen = owners_seen(theirs, kind_named("ticket"))
    return theirs.may("ticket:read") and (seen is None or ticket.owner_id in seen)


def is_active(scope: Scope, user_id: UUID) -> bool:
    who = find_person(scope.tenant_id, user_id)
    return who is not None and not who.disabled


def take_alerts(scope: Scope, named: int) -> Told | None:
    """All that waits for one person, taken out of the table; the first `named` of it as lines, oldest first. None if
    nobody waits."""
    own = SlaAlert.tenant_id == scope.tenant_id
    user_id = db.session.scalar(select(SlaAlert.user_id).where(own).order_by(SlaAlert.user_id).limit(1))
    if user_id is None:
        return None
    columns = (SlaAlert.id, SlaAlert.ticket_id, SlaAlert.name, SlaAlert.what, SlaAlert.at)
    gone = delete(SlaAlert).where(own, SlaAlert.user_id == user_id).returning(*columns).cte("gone")
    tickets = func.count(gone.c.ticket_id.distinct())
    late = tickets.filter(gone.c.what.not_like(f"{WARNING}:%"))
    counts = select(func.count().label("number_of"), tickets.label("tickets"), late.label("late"))
    sums = counts.select_from(gone).subquery()
    query = (
        select(*gone.c, Ticket.number, Ticket.subject, *sums.c)
        .join(Ticket, (Ticket.tenant_id == scope.tenant_id) & (Ticket.id == gone.c.ticket_id))
        .join(sums, true())
        .order_by(gone.c.at, gone.c.id)
        .limit(named)
    )
    rows = db.session.execute(query).all()
    if not rows:
        return None
    who = find_person(scope.tenant_id, user_id)
    reader = scope_of(get_tenant(scope.tenant_id), who, scope.now) if who else None
    lines = [AlertLine(row.id, row.ticket_id, _line(row, reader)) for row in rows]
    return Told(user_id, lines, rows[0].number_of, rows[0].tickets, rows[0].late)


def _line(row: Any, reader: Scope | None) -> str:
    what, _, level = row.what.partition(":")
    at, name = local_time(row.at, reader, "short"), NAMES[row.name]
    title = title_of({"number": row.number, "subject": row.subject})[:100]
    if what == WARNING:
        return f"{title}: {level} % of the time for the {name} was used at {at}"
    if what == BREACH:
        return f"{title}: the {name} was due at {at}"
    return f"{title}: escalated at {at}, the {name} is overdue (level {level})"


def _team(scope: Scope, team_id: UUID | None) -> list[UUID]:
    return next((list(team.members) for team in list_teams(scope) if team.id == team_id), [])
