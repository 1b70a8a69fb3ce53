"""Who is to hear of a clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.accounts.queries import find_person, get_tenant, list_teams, list_users, scope_of
from app.core.records.kind import kind_named
from app.core.records.reach import owners_seen
from app.core.scope import Scope
from app.tickets.models import Ticket

_MANAGERS = ("manager",)
_ELSE = ("admin", "owner")


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


def _team(scope: Scope, team_id: UUID | None) -> list[UUID]:
    return next((list(team.members) for team in list_teams(scope) if team.id == team_id), [])
