"""Who takes tickets: everybody whose role may work on them, with what they have and can have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from app.accounts.models import User
from app.accounts.queries import list_roles, list_teams
from app.core.errors import NotFound
from app.core.records.queries import locked
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import Ticket, TicketAgent
from app.tickets.queries.desk import get_desk_settings
from app.tickets.rules import lifecycle
from app.tickets.rules.assigning import Hands

AGENT_KIND = "agent"


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """Somebody who may work on tickets. `own_capacity` is None where the desk's counts."""

    id: UUID
    name: str
    email: str
    available: bool
    capacity: int
    own_capacity: int | None
    load: int
    turn: int
    version: int
    teams: tuple[str, ...]

    @property
    def hands(self) -> Hands:
        return Hands(self.id, self.load, self.capacity, self.turn)


def list_agents(scope: Scope) -> list[AgentInfo]:
    """Everybody here whose role may change tickets, by name.

    Whoever also sets up the desk runs it rather than works it: they are away until they say otherwise.
    """
    roles = {role.key: role.rights.permissions for role in list_roles(scope)}
    here = select(User).where(
        User.tenant_id == scope.tenant_id, User.disabled_at.is_(None), User.joined_at.is_not(None)
    )
    people = list(db.session.scalars(here.order_by(User.name, User.id)))
    may = {user.id: roles.get(str(user.role_id or user.role), frozenset()) for user in people}
    rows = {row.id: row for row in db.session.scalars(select(TicketAgent))}
    loads, teams = count_loads(scope), _team_names(scope)
    usual = get_desk_settings(scope).capacity
    return [
        _agent(user, rows.get(user.id), "desk:manage" in may[user.id], loads, usual, teams)
        for user in people
        if "ticket:update" in may[user.id]
    ]


def get_agent(scope: Scope, user_id: UUID) -> AgentInfo:
    """Raises NotFound for somebody who is not here, or whose role works on no tickets."""
    found = next((agent for agent in list_agents(scope) if agent.id == user_id), None)
    if found is None:
        raise NotFound("This person does not exist, or does not work on tickets.")
    return found


def find_agent_row(scope: Scope, user_id: UUID, *, lock: bool = False) -> TicketAgent | None:
    query = select(TicketAgent).where(TicketAgent.id == user_id)
    return db.session.scalars(locked(query) if lock else query).one_or_none()


def count_loads(scope: Scope) -> Mapping[UUID, int]:
    """How many tickets each person has that are not done."""
    working = bindparam(None, lifecycle.WORKING, Ticket.status.type, expanding=True, literal_execute=True)
    query = select(Ticket.owner_id, func.count()).where(
        Ticket.deleted_at.is_(None), Ticket.status.in_(working), Ticket.owner_id.is_not(None)
    )
    return {owner: count for owner, count in db.session.execute(query.group_by(Ticket.owner_id)) if owner}


def list_waiting(scope: Scope, limit: int, teams: Collection[UUID]) -> list[Ticket]:
    """Tickets of nobody's that wait for somebody, of these teams or of none, oldest first, locked; those others have
    in hand are passed by."""
    query = select(Ticket).where(*_waits(), _for(teams)).order_by(Ticket.id).limit(limit)
    query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def count_waiting(scope: Scope) -> int:
    """How many wait, up to a thousand."""
    query = select(Ticket.id).where(*_waits()).limit(1_000)
    return int(db.session.scalar(select(func.count()).select_from(query.subquery())) or 0)


def is_waiting(scope: Scope) -> bool:
    """Whether any ticket waits for somebody."""
    return db.session.scalar(select(Ticket.id).where(*_waits()).limit(1)) is not None


def is_waiting_longer(scope: Scope, ticket_id: UUID, teams: Collection[UUID]) -> bool:
    """Whether a ticket that is older than this one waits for somebody, of these teams or of none."""
    query = select(Ticket.id).where(*_waits(), _for(teams), Ticket.id < ticket_id).limit(1)
    return db.session.scalar(query) is not None


def _for(teams: Collection[UUID]) -> ColumnElement[bool]:
    return or_(Ticket.team_id.is_(None), Ticket.team_id.in_(teams))


def _waits() -> tuple[ColumnElement[bool], ...]:
    open_ones = bindparam(
        None, [lifecycle.NEW, lifecycle.OPEN], Ticket.status.type, expanding=True, literal_execute=True
    )
    return Ticket.deleted_at.is_(None), Ticket.owner_id.is_(None), Ticket.status.in_(open_ones)


def list_members(scope: Scope) -> dict[UUID, frozenset[UUID]]:
    """Who is in each team."""
    return {team.id: frozenset(team.members) for team in list_teams(scope)}


def _team_names(scope: Scope) -> dict[UUID, tuple[str, ...]]:
    found: dict[UUID, tuple[str, ...]] = {}
    for team in list_teams(scope):
        for member in team.members:
            found[member] = (*found.get(member, ()), team.name)
    return found


def _agent(
    user: User,
    row: TicketAgent | None,
    runs: bool,
    loads: Mapping[UUID, int],
    usual: int,
    teams: Mapping[UUID, tuple[str, ...]],
) -> AgentInfo:
    said = row.available if row else None
    own = row.capacity if row else None
    return AgentInfo(
        id=user.id,
        name=user.name,
        email=user.email,
        available=not runs if said is None else said,
        capacity=own or usual,
        own_capacity=own,
        load=loads.get(user.id, 0),
        turn=row.turn if row else 0,
        version=row.version if row else 0,
        teams=teams.get(user.id, ()),
    )
