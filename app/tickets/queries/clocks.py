"""Clocks: the history of a ticket as the engine takes it, what it says now, and which tickets something comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text

from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models.messages import HELD
from app.tickets.models.sla import SlaClock, SlaHappening
from app.tickets.queries.calendars import get_made_calendar
from app.tickets.queries.policies import get_promise
from app.tickets.rules.business_time import Calendar, micros
from app.tickets.rules.definitions import ALWAYS, calendar_of
from app.tickets.rules.promises import engine_policy
from app.tickets.rules.sla import Happened, Policy, Track, evaluate

NO_PROMISE = Policy({})
ALWAYS_OPEN = calendar_of(ALWAYS)


@dataclass(frozen=True, slots=True)
class Terms:
    """Which version of which policy is in force for a ticket, and by which version of which calendar it counts."""

    policy_id: UUID | None = None
    number: int = 0
    calendar_id: UUID | None = None
    calendar_number: int = 0

    def stored(self) -> dict[str, Any]:
        if self.policy_id is None:
            return {"policy": None}
        return {
            "policy": str(self.policy_id),
            "number": self.number,
            "calendar": str(self.calendar_id),
            "calendar_number": self.calendar_number,
        }


def get_terms_in(value: Mapping[str, Any]) -> Terms:
    """The terms that a happening carries."""
    if not value.get("policy"):
        return Terms()
    return Terms(UUID(value["policy"]), value["number"], UUID(value["calendar"]), value["calendar_number"])


def get_terms(history: Iterable[SlaHappening]) -> Terms:
    """The terms in force after all of that."""
    terms = Terms()
    for row in history:
        if row.what in ("created", "policy"):
            terms = get_terms_in(row.value)
        elif row.what == "calendar_change":
            terms = replace(terms, calendar_number=row.value["number"])
    return terms


def promise_of(scope: Scope, terms: Terms) -> Mapping[str, Any]:
    """The policy's definition; empty if nothing is promised. Raises NotFound."""
    return {} if terms.policy_id is None else get_promise(scope, terms.policy_id, terms.number)


def get_calendar_in_force(scope: Scope, terms: Terms) -> Calendar:
    """Raises NotFound."""
    if terms.calendar_id is None:
        return ALWAYS_OPEN
    return get_made_calendar(scope, terms.calendar_id, terms.calendar_number)


def get_track(scope: Scope, history: Sequence[SlaHappening], until: datetime, **more: Any) -> Track:
    """What the engine says of this history at `until`; `more` goes to `evaluate`."""
    terms = get_terms_in(history[0].value)
    policy = engine_policy(promise_of(scope, terms)) if terms.policy_id else NO_PROMISE
    calendars: dict[str, Calendar] = {}
    happened = [_happened(scope, row, calendars) for row in history]
    return evaluate(policy, get_calendar_in_force(scope, terms), happened, micros(until), calendars=calendars, **more)


def get_history(scope: Scope, ticket_id: UUID) -> list[SlaHappening]:
    """What happened to the ticket as its clocks see it, oldest first; nothing for a ticket without clocks."""
    return get_histories(scope, [ticket_id]).get(ticket_id, [])


def get_histories(scope: Scope, ticket_ids: Sequence[UUID]) -> dict[UUID, list[SlaHappening]]:
    query = select(SlaHappening).where(
        SlaHappening.tenant_id == scope.tenant_id, SlaHappening.ticket_id.in_(ticket_ids)
    )
    found: dict[UUID, list[SlaHappening]] = defaultdict(list)
    for row in db.session.scalars(query.order_by(SlaHappening.ticket_id, SlaHappening.seq)):
        found[row.ticket_id].append(row)
    return found


def get_clocks(scope: Scope, ticket_ids: Sequence[UUID]) -> dict[UUID, dict[tuple[str, int], SlaClock]]:
    """The clocks as they were last written, by ticket, name and ordinal; held with their tickets."""
    query = select(SlaClock).where(SlaClock.tenant_id == scope.tenant_id, SlaClock.ticket_id.in_(ticket_ids))
    found: dict[UUID, dict[tuple[str, int], SlaClock]] = defaultdict(dict)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        found[row.ticket_id][row.name, row.ordinal] = row
    return found


def find_ticket_numbered(scope: Scope, number: int) -> UUID | None:
    """The ticket with this number, deleted or not."""
    query = select(Ticket.id).where(Ticket.tenant_id == scope.tenant_id, Ticket.number == number)
    return db.session.scalars(query).one_or_none()


def locked_ticket(scope: Scope, ticket_id: UUID) -> None:
    """Nobody else adds to this ticket's history until the transaction ends."""
    query = select(Ticket.id).where(Ticket.tenant_id == scope.tenant_id, Ticket.id == ticket_id)
    db.session.execute(query.with_for_update())


def locked_tickets(scope: Scope, ticket_ids: Sequence[UUID], *, wait: bool) -> list[Ticket]:
    """These tickets, held; without `wait` those somebody else holds are left out."""
    query = (
        select(Ticket)
        .where(Ticket.tenant_id == scope.tenant_id, Ticket.id.in_(ticket_ids))
        .order_by(Ticket.id)
        .with_for_update(skip_locked=not wait)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(query))


def list_held(scope: Scope, ticket_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the first reply of each of these tickets was written that can still be taken back."""
    query = select(TicketMessage.ticket_id, func.min(TicketMessage.created_at)).where(
        _is_held(scope), TicketMessage.ticket_id.in_(ticket_ids)
    )
    return dict(db.session.execute(query.group_by(TicketMessage.ticket_id)).tuples().all())


def _is_held(scope: Scope) -> ColumnElement[bool]:
    return and_(TicketMessage.tenant_id == scope.tenant_id, TicketMessage.state == HELD)


def list_due(scope: Scope, until: datetime, limit: int, skip: Sequence[UUID] = ()) -> tuple[list[UUID], datetime]:
    """The tickets something came to first, and the instant up to which these are all there are (at most `until`).

    `limit` counts clocks, of which a ticket has few. Those with a reply that can still be taken back are left out:
    whether it counts is known in a minute at most.
    """
    held = select(TicketMessage.ticket_id).where(_is_held(scope))
    query = (
        select(SlaClock.ticket_id, SlaClock.next_at)
        .where(
            SlaClock.tenant_id == scope.tenant_id,
            SlaClock.next_at < until,
            SlaClock.ticket_id.not_in(skip),
            SlaClock.ticket_id.not_in(held),
        )
        .order_by(SlaClock.next_at)
        .limit(limit)
    )
    rows = [(ticket_id, at) for ticket_id, at in db.session.execute(query) if at is not None]
    whole = rows[-1][1] if len(rows) == limit else until
    return list(dict.fromkeys(ticket_id for ticket_id, _ in rows)), whole


def list_coming(scope: Scope, after: datetime, until: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """Tickets something comes to soon, with when."""
    query = (
        select(SlaClock.ticket_id, SlaClock.next_at)
        .where(SlaClock.tenant_id == scope.tenant_id, SlaClock.next_at > after, SlaClock.next_at <= until)
        .order_by(SlaClock.next_at)
        .limit(limit)
    )
    return [(ticket_id, at) for ticket_id, at in db.session.execute(query) if at is not None]


def count_running(scope: Scope, policy_id: UUID) -> int:
    """Tickets with a clock of this policy that is not over."""
    query = (
        select(func.count(SlaClock.ticket_id.distinct()))
        .join(Ticket, (Ticket.tenant_id == SlaClock.tenant_id) & (Ticket.id == SlaClock.ticket_id))
        .where(
            SlaClock.tenant_id == scope.tenant_id,
            SlaClock.policy_id == policy_id,
            SlaClock.met_at.is_(None),
            SlaClock.cancelled_at.is_(None),
            Ticket.deleted_at.is_(None),
        )
    )
    return db.session.execute(query).scalar_one()


def tenants_with_sla_due(at: datetime, most: int = 1000) -> list[UUID]:
    """Through a definer function: ids of tenants, and nothing more about them."""
    found = text("select tenants_with_sla_due(cast(:at as timestamptz), cast(:most as integer))")
    return [row[0] for row in db.session.execute(found, {"at": at, "most": most})]


def _happened(scope: Scope, row: SlaHappening, calendars: dict[str, Calendar]) -> Happened:
    """The row as the engine takes it; `calendars` gets what a change names."""
    at, value = micros(row.at), row.value
    if row.what == "created":
        value = value["status"]
    elif row.what == "policy":
        terms = get_terms_in(value)
        policy = engine_policy(promise_of(scope, terms)) if terms.policy_id else NO_PROMISE
        value = (policy, get_calendar_in_force(scope, terms))
    elif row.what == "calendar_change":
        key = f"{value['calendar']}:{value['number']}"
        calendars[key] = get_made_calendar(scope, UUID(value["calendar"]), value["number"])
        value = key
    return Happened(at, row.what, value)
