"""What the engine says of a ticket, written down: its clocks, its due columns, and the job of its next instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions.ringing import arm
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaClock, SlaHappening
from app.tickets.models.tickets import NO_DUE
from app.tickets.queries import clocks as queries
from app.tickets.rules.business_time import SECOND, instant
from app.tickets.rules.promises import engine_policy
from app.tickets.rules.sla import Clock, Policy, Track
from app.tickets.rules.standing import Fired, fired_by, next_instant, numbered, standing

Clocks = Mapping[tuple[str, int], SlaClock]


def refresh(
    scope: Scope, ticket: Ticket, history: Sequence[SlaHappening], stored: Clocks, until: datetime
) -> list[Fired]:
    """Tells the history up to `until` and writes what it says; returns what came to pass that was not known yet.

    The caller flushes.
    """
    track, terms = queries.get_track(scope, history, until), queries.get_terms(history)
    policy = engine_policy(queries.promise_of(scope, terms))
    news: list[Fired] = []
    for ordinal, clock in numbered(track):
        row = stored.get((clock.name, ordinal))
        if row is None:
            if not clock.promises:
                continue
            row = SlaClock(tenant_id=scope.tenant_id, ticket_id=ticket.id, name=clock.name, ordinal=ordinal, fired={})
            db.session.add(row)
        known = {*row.fired, *(["breach:0"] if row.breached_at else [])}
        news += [one for one in fired_by(clock, ordinal) if one.key not in known]
        _write_clock(row, clock, terms.policy_id, policy)
    write_ticket(ticket, track, terms.policy_id)
    if (coming := next_instant(track, policy)) is not None:
        arm(scope, ticket.id, instant(coming))
    return news


def _write_clock(row: SlaClock, clock: Clock, policy_id: UUID | None, policy: Policy) -> None:
    if not clock.over or row.started_at is None:
        row.policy_id = policy_id
    ended = clock.met_at if clock.met_at is not None else clock.cancelled_at
    row.target = clock.target or None
    row.started_at = instant(clock.started_at)
    row.due_at = _instant(clock.due)
    row.next_at = _instant(clock.next(policy))
    row.paused = clock.paused
    row.breached_at = _instant(clock.breached_at)
    row.met_at = _instant(clock.met_at)
    row.cancelled_at = _instant(clock.cancelled_at)
    row.used = None if ended is None else clock.used(ended) // SECOND
    row.fired = {f"{what}:{level}": at for (what, level), at in clock.fired.items()}


def write_ticket(ticket: Ticket, track: Track, policy_id: UUID | None) -> None:
    """The columns that say when the ticket is due, and how it stands."""
    stands = standing(track)
    ticket.sla_policy_id = policy_id
    ticket.sla_state = stands.state
    ticket.due_at = _instant(stands.due)
    ticket.due_order = NO_DUE if stands.due is None else stands.due
    ticket.first_response_due_at = _instant(stands.first_response)
    ticket.next_response_due_at = _instant(stands.next_response)
    ticket.resolution_due_at = _instant(stands.resolution)


def _instant(at: int | None) -> datetime | None:
    return None if at is None else instant(at)
