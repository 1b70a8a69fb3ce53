"""Who is to hear of a clock, and what waits to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

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
    """One thing one person is to hear of, as a line in their zone."""

    id: UUID
    user_id: UUID
    ticket_id: UUID
    what: str
    text: str


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


def list_alerts(scope: Scope, most: int) -> list[AlertLine]:
    """What waits to be told, oldest first; held by this transaction."""
    query = (
        select(SlaAlert, Ticket.number, Ticket.subject)
        .join(Ticket, (Ticket.tenant_id == SlaAlert.tenant_id) & (Ticket.id == SlaAlert.ticket_id))
        .where(SlaAlert.tenant_id == scope.tenant_id)
        .order_by(SlaAlert.at, SlaAlert.id)
        .limit(most)
        .with_for_update(of=SlaAlert, skip_locked=True)
    )
    found = [
        (row, title_of({"number": number, "subject": subject})) for row, number, subject in db.session.execute(query)
    ]
    readers = _readers(scope, {row.user_id for row, _ in found})
    return [
        AlertLine(row.id, row.user_id, row.ticket_id, row.what.partition(":")[0], _line(row, title, readers))
        for row, title in found
    ]


def _line(row: SlaAlert, title: str, readers: Mapping[UUID, Scope]) -> str:
    what, _, level = row.what.partition(":")
    at = local_time(row.at, readers.get(row.user_id), "short")
    name = NAMES[row.name]
    if what == WARNING:
        return f"{title[:100]}: {level} % of the time for the {name} was used at {at}"
    if what == BREACH:
        return f"{title[:100]}: the {name} was due at {at}"
    return f"{title[:100]}: escalated at {at}, the {name} is overdue (level {level})"


def _readers(scope: Scope, user_ids: Iterable[UUID]) -> dict[UUID, Scope]:
    tenant = get_tenant(scope.tenant_id)
    found = {user_id: find_person(scope.tenant_id, user_id) for user_id in user_ids}
    return {user_id: scope_of(tenant, who, scope.now) for user_id, who in found.items() if who is not None}


def _team(scope: Scope, team_id: UUID | None) -> list[UUID]:
    return next((list(team.members) for team in list_teams(scope) if team.id == team_id), [])
