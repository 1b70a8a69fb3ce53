"""Noticing what came to pass with clocks: one ticket at its instant, or all that nobody noticed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from app.core import db as database
from app.core.scope import Scope
from app.tickets.actions.clocks import bring_up
from app.tickets.actions.ringing import AHEAD, arm, settled
from app.tickets.actions.telling import tell_people
from app.tickets.queries import clocks as queries

__all__ = ["AHEAD", "catch_up", "check", "sweep"]
log = logging.getLogger(__name__)
_BATCH = 100
_MOST_COMING = 20_000
_TICK = timedelta(microseconds=1)


def check(scope: Scope, ticket_id: UUID) -> int:
    """Brings one ticket's clocks up to now; returns how many things had come to pass."""
    fired = bring_up(scope, queries.locked_tickets(scope, [ticket_id], wait=True), settled(scope.now))
    return len(fired)


def sweep(scope: Scope) -> int:
    """Catches up, and has jobs rung for what comes before the next sweep; returns how much had come to pass."""
    fired = catch_up(scope)
    for ticket_id, at in queries.list_coming(scope, settled(scope.now), scope.now + AHEAD, _MOST_COMING):
        arm(scope, ticket_id, at)
    database.commit()
    return fired


def catch_up(scope: Scope) -> int:
    """Brings all clocks of the tenant up to now, in the order in which things came to pass, then tells everybody what
    waits for them, one digest each; returns how much had come to pass.

    Commits after each batch, so that a crash repeats nothing and no ticket is held for long; what people are to hear
    waits in a table until the end. Tickets that somebody holds are left to the next.
    """
    fired = _bring_all_up(scope, settled(scope.now))
    while tell_people(scope):
        database.commit()
    database.commit()
    return fired


def _bring_all_up(scope: Scope, until: datetime) -> int:
    fired = 0
    skip: list[UUID] = []
    last: list[UUID] = []
    while True:
        ids, whole = queries.list_due(scope, until, _BATCH, skip)
        if not ids:
            break
        if ids == last:
            log.error("sla_stands_still", extra={"tenant_id": str(scope.tenant_id), "tickets": len(ids)})
            skip += ids
            continue
        last = ids
        done, left = _batch(scope, ids, min(until, whole + _TICK))
        fired += done
        skip += left
    return fired


def _batch(scope: Scope, ids: Sequence[UUID], until: datetime) -> tuple[int, list[UUID]]:
    """Brings these tickets up to `until`; returns how much came to pass and which were left out.

    One that fails must not keep the others from their turn: then each is tried by itself.
    """
    try:
        return _try(scope, ids, until)
    except Exception:
        database.rollback()
        if len(ids) == 1:
            log.exception("sla_sweep_failed", extra={"tenant_id": str(scope.tenant_id), "ticket_id": str(ids[0])})
            return 0, list(ids)
    results = [_batch(scope, [ticket_id], until) for ticket_id in ids]
    return sum(fired for fired, _ in results), [left for _, some in results for left in some]


def _try(scope: Scope, ids: Sequence[UUID], until: datetime) -> tuple[int, list[UUID]]:
    tickets = queries.locked_tickets(scope, ids, wait=False)
    held = {ticket.id for ticket in tickets}
    fired = bring_up(scope, tickets, until, ring=False)
    database.commit()
    return len(fired), [ticket_id for ticket_id in ids if ticket_id not in held]
