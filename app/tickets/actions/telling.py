"""Telling people of warnings, breaches and escalations: one digest each, however much it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, true

from app.accounts.queries import find_person, get_tenant, scope_of
from app.core.scope import Scope
from app.core.templating import local_time
from app.extensions import db
from app.notifications.actions import NAMED, notify_digest
from app.tickets.actions.firing import TELL, as_system
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaAlert
from app.tickets.rules.lifecycle import title_of
from app.tickets.rules.standing import BREACH, WARNING

_NAMES = {"first_response": "first response", "next_response": "next response", "resolution": "resolution"}


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


def tell_people(scope: Scope) -> bool:
    """Tells one person of all they are to hear: one notice and one mail, however much it is. False if nobody waits.

    One at a time in a tenant, until the transaction ends: else two would share out somebody's lines.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{TELL}:{scope.tenant_id}", 0))))
    told = _take(scope)
    if told is None:
        return False
    items = [(line.text, ("tickets.show", {"record_id": line.ticket_id})) for line in told.lines]
    notify_digest(
        as_system(scope),
        told.user_id,
        kind="ticket.sla",
        items=items,
        more=told.count - len(items),
        key=f"sla:{told.lines[0].id}",
        subject=_subject(told),
        link=("tickets.list", {"sort": "due"}),
    )
    return True


def _subject(told: Told) -> str:
    if told.tickets == 1:
        return f"{told.count} reminders: {told.lines[0].text}"
    soon = f"{told.tickets - told.late} due soon"
    return f"{told.tickets} tickets: {told.late} overdue, {soon}" if told.late else f"{told.tickets} tickets due soon"


def _take(scope: Scope) -> Told | None:
    """All that waits for one person, taken out of the table; the first 20 of it as lines, oldest first. None if
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
        .limit(NAMED)
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
    at, name = local_time(row.at, reader, "short"), _NAMES[row.name]
    title = title_of({"number": row.number, "subject": row.subject})[:100]
    if what == WARNING:
        return f"{title}: {level} % of the time for the {name} was used at {at}"
    if what == BREACH:
        return f"{title}: the {name} was due at {at}"
    return f"{title}: escalated at {at}, the {name} is overdue (level {level})"
