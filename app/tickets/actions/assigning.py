"""Who gets a ticket: by hand, in turn, or the least loaded, within what each can have.

Automatic assignment takes the tenant's lock first: who comes second sees what the first gave away. Nobody who makes a
ticket waits for that lock: if it is taken, the ticket waits instead. What waits is given out by `drain` after the
commit of whatever made a ticket or freed somebody's hands, and a sweep catches what was missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.accounts.queries import system_scope
from app.core.errors import Conflict
from app.core.events import EventRow, publish
from app.core.records.actions import update_record
from app.core.records.hooks import Changes
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.notifications.actions import Link, notify
from app.tickets import queries
from app.tickets.events import AgentChanged
from app.tickets.models import Ticket, TicketAgent
from app.tickets.queries import agents
from app.tickets.rules import lifecycle
from app.tickets.rules.assigning import Hands, Waiting, share_out
from app.tickets.rules.settings import MANUAL

AFTER = frozenset(
    {
        *(f"ticket.{verb}" for verb in ("created", "moved", "changed", "deleted", "restored")),
        "agent.changed",
        "desk.changed",
    }
)
"""Events after which a ticket may wait, or somebody may have hands free."""
_AT_ONCE = 1_000
_TOLD_ONE_BY_ONE = 3


def take_in(scope: Scope, ticket: Ticket) -> None:
    """Gives a new or reopened ticket of nobody's to somebody, if the tenant's settings say so.

    Not while an older one waits for hands that are free: `drain` gives that out first.
    """
    way = queries.get_desk_settings(scope).assignment
    if way == MANUAL or ticket.owner_id is not None or ticket.status not in lifecycle.WORKING:
        return
    if not _try_lock(scope):
        return
    hands = _free_hands(scope)
    if hands and not agents.is_waiting_longer(scope, ticket.id, _teams_of(scope, hands)):
        _give_out(scope, way, [ticket], hands)


def drain(scope: Scope) -> int:
    """Gives what waits, oldest first, to whoever can take it; returns how many. Running it again does no harm."""
    way = queries.get_desk_settings(scope).assignment
    if way == MANUAL or not agents.is_waiting(scope):
        return 0
    _lock(scope)
    hands = _free_hands(scope)
    if not hands:
        return 0
    # Only what somebody has room for: else a thousand that nobody can take would keep all others from their turn.
    return _give_out(scope, way, agents.list_waiting(scope, _AT_ONCE, _teams_of(scope, hands)), hands)


def drain_after(event: EventRow) -> None:
    """A subscriber: a ticket waits, hands became free, or more of them are there."""
    changes = event.data.get("changes", {})
    if event.type != "ticket.changed" or not {"owner_id", "team_id"}.isdisjoint(changes):
        drain(system_scope(event.tenant_id))


def changed(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """Tells a new assignee: one by one, but of many at once in one notice."""
    if "owner_id" not in changes or ticket.owner_id is None:
        return
    before = _told_before(scope, ticket.owner_id)
    if before > _TOLD_ONE_BY_ONE:
        return
    subject, link = f"You were given #{ticket.number} {ticket.subject}", _to("show", record_id=ticket.id)
    if before == _TOLD_ONE_BY_ONE:
        subject, link = "You were given more tickets", _to("list", queue="mine")
    key = f"assigned:{ticket.id}:{ticket.version}"
    notify(scope, [ticket.owner_id], kind="ticket.assigned", subject=subject, link=link, key=key)


def _told_before(scope: Scope, user_id: UUID) -> int:
    """How often the person was told on this occasion, which is one request's or job's instant; counts this time."""
    info = db.session().info
    occasion, told = info.get("tickets_assigned", (None, {}))
    if occasion != scope.now:
        told = {}
    info["tickets_assigned"] = scope.now, told | {user_id: told.get(user_id, 0) + 1}
    return int(told.get(user_id, 0))


def take(scope: Scope, ticket_id: UUID, version: int) -> Ticket:
    """The asker takes the ticket.

    Raises:
        Conflict: somebody else has taken it since; the message says who. Invalid: they may not decide whose it is.
    """
    try:
        record = update_record(scope, kind_named("ticket"), ticket_id, version, {"owner_id": scope.user_id})
    except Conflict as conflict:
        raise Conflict(f"{conflict.by} changed whose this ticket is before you.", by=conflict.by) from conflict
    assert isinstance(record, Ticket)
    return record


def set_agent(scope: Scope, user_id: UUID, changes: dict[str, Any]) -> bool:
    """Changes `available` or `capacity` (None: the desk's) of somebody who works on tickets; False if nothing differs.

    Raises:
        NotFound: nobody here works on tickets under this id.
    """
    before = agents.get_agent(scope, user_id)
    old: dict[str, Any] = {"available": before.available, "capacity": before.own_capacity}
    differing = {name: (old[name], value) for name, value in changes.items() if old[name] != value}
    if not differing:
        return False
    row = _row(scope, user_id)
    for name, (_, value) in differing.items():
        setattr(row, name, value)
    row.version, row.updated_at = row.version + 1, scope.now
    db.session.flush()
    publish(scope, AgentChanged(agents.AGENT_KIND, user_id, name=before.name, changes=differing))
    return True


def _to(page: str, **values: Any) -> Link:
    return f"tickets.{page}", values


def _free_hands(scope: Scope) -> list[Hands]:
    """Whoever is here and has room for another ticket."""
    return [agent.hands for agent in agents.list_agents(scope) if agent.available and agent.hands.free]


def _teams_of(scope: Scope, hands: Sequence[Hands]) -> set[UUID]:
    """The teams that one of them is in."""
    free = {one.id for one in hands}
    return {team for team, members in agents.list_members(scope).items() if not free.isdisjoint(members)}


def _give_out(scope: Scope, way: str, tickets: Sequence[Ticket], hands: Sequence[Hands]) -> int:
    members = agents.list_members(scope)
    waiting = [Waiting(one.id, members.get(one.team_id, ()) if one.team_id else None) for one in tickets]
    given, known = share_out(way, waiting, hands), {one.id: one for one in tickets}
    for ticket_id, taker in given:
        _give(scope, known[ticket_id], taker)
    return len(given)


def _give(scope: Scope, ticket: Ticket, hands: Hands) -> None:
    """By the system's hand: whoever made the ticket may not decide whose it is."""
    system = replace(system_scope(scope.tenant_id), now=scope.now)
    update_record(system, kind_named("ticket"), ticket.id, ticket.version, {"owner_id": hands.id})
    _row(scope, hands.id).turn = hands.turn
    db.session.flush()


def _row(scope: Scope, user_id: UUID) -> TicketAgent:
    """The person's row, locked; made if there is none."""
    found = agents.find_agent_row(scope, user_id, lock=True)
    if found is None:
        found = TicketAgent(
            tenant_id=scope.tenant_id, id=user_id, created_at=scope.now, updated_at=scope.now, version=1
        )
        found.turn = 0
        db.session.add(found)
        db.session.flush()
    return found


def _lock(scope: Scope) -> None:
    """One at a time assigns in a tenant, until the transaction ends."""
    db.session.execute(select(func.pg_advisory_xact_lock(_number(scope))))


def _try_lock(scope: Scope) -> bool:
    """The same without waiting; False if somebody else assigns just now."""
    return bool(db.session.scalar(select(func.pg_try_advisory_xact_lock(_number(scope)))))


def _number(scope: Scope) -> Any:
    return func.hashtextextended(f"assign:{scope.tenant_id}", 0)
