"""Warnings, breaches and escalations: events with their instants, what an escalation does, who hears.

All of it in the transaction that stores that it came to pass, so each happens once, whoever noticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.accounts.queries import system_scope
from app.core import queue
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.events import publish
from app.core.records.actions import update_record
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.tickets.events import ClockBreached, ClockEscalated, ClockWarned
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaAlert, SlaClock
from app.tickets.queries import alerts as queries
from app.tickets.queries.clocks import Terms, promise_of
from app.tickets.rules.business_time import instant
from app.tickets.rules.lifecycle import DONE, PRIORITIES, PRIORITY_ORDER
from app.tickets.rules.standing import ESCALATION, Fired

TELL = "jobs.sla.tell"


def fire(
    scope: Scope, found: Sequence[tuple[Fired, Ticket]], terms: Mapping[UUID, Terms], *, ring: bool = True
) -> None:
    """Publishes what came to pass, in the order given, and does what the policy says of it.

    After the commit a job tells people, all of it at once; not with `ring` False, when the caller will.
    """
    if not found:
        return
    system = as_system(scope)
    publish(system, *(_event(fired, ticket) for fired, ticket in found))
    levels = {id(fired): _level(scope, fired, terms[ticket.id]) for fired, ticket in found}
    _alert(system, [(fired, ticket, levels[id(fired)]) for fired, ticket in found])
    for fired, ticket in found:
        if fired.what == ESCALATION and not _is_over(scope, fired, ticket):
            _escalate(system, ticket, levels[id(fired)])
    if ring:
        after_commit(lambda: queue.enqueue_once(TELL, tenant_id=scope.tenant_id), key=TELL)


def _event(fired: Fired, ticket: Ticket) -> ClockWarned | ClockBreached | ClockEscalated:
    at = instant(fired.at)
    match fired.what:
        case "warning":
            due = getattr(ticket, f"{fired.name}_due_at")
            return ClockWarned("ticket", ticket.id, fired.name, fired.level, at, due)
        case "breach":
            return ClockBreached("ticket", ticket.id, fired.name, at)
        case _:
            return ClockEscalated("ticket", ticket.id, fired.name, fired.level, at)


def _level(scope: Scope, fired: Fired, terms: Terms) -> Mapping[str, Any]:
    """What the policy says of this level; nothing if it has no such level any more."""
    levels = promise_of(scope, terms).get("escalations", ()) if fired.what == ESCALATION else ()
    return levels[fired.level - 1] if 0 < fired.level <= len(levels) else {}


def _alert(scope: Scope, found: Sequence[tuple[Fired, Ticket, Mapping[str, Any]]]) -> None:
    rows = [
        {
            "tenant_id": scope.tenant_id,
            "id": new_id(),
            "user_id": user_id,
            "ticket_id": ticket.id,
            "name": fired.name,
            "ordinal": fired.ordinal,
            "what": fired.key,
            "at": instant(fired.at),
        }
        for fired, ticket, level in found
        for user_id in queries.list_listeners(scope, ticket, level, to_managers=fired.what != ESCALATION)
    ]
    if rows:
        db.session.execute(insert(SlaAlert).on_conflict_do_nothing(), rows)


def _escalate(scope: Scope, ticket: Ticket, level: Mapping[str, Any]) -> None:
    """Gives the ticket to a senior and raises its priority, as the level says; not to who has left."""
    changes: dict[str, Any] = {}
    senior = UUID(level["assign_to"]) if level.get("assign_to") else None
    if senior and senior != ticket.owner_id and queries.is_active(scope, senior):
        changes["owner_id"] = senior
    place = PRIORITY_ORDER[ticket.priority] + 1
    if level.get("raise_priority") and place < len(PRIORITIES):
        changes["priority"] = PRIORITIES[place][0]
    if changes:
        update_record(scope, kind_named("ticket"), ticket.id, ticket.version, changes)


def _is_over(scope: Scope, fired: Fired, ticket: Ticket) -> bool:
    """Whether the promise was kept meanwhile, late: then nobody needs to be called to it any more."""
    row = db.session.get(SlaClock, (scope.tenant_id, ticket.id, fired.name, fired.ordinal))
    return ticket.status in DONE or row is None or row.met_at is not None or row.cancelled_at is not None


def as_system(scope: Scope) -> Scope:
    """It is nobody who did it, whoever's request noticed."""
    return replace(system_scope(scope.tenant_id), now=scope.now) if scope.user_id else scope
