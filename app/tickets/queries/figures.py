"""Was it kept? Tickets by the verdict of their clocks, within reach, and the condition that lists the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, cast, func, literal, select, true
from sqlalchemy.types import Date

from app.core.records.kind import kind_named
from app.core.records.queries import visible
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import SlaClock, Ticket
from app.tickets.rules.figures import BREACHED, MET, Counted

MOST = 50
DIMENSIONS = ("priority", "category_id", "owner_id", "customer")


@dataclass(frozen=True, slots=True)
class Figure:
    """How many tickets were met and breached; `value` is what they have in common, None if they have none."""

    value: Any
    met: int
    breached: int

    @property
    def total(self) -> int:
        return self.met + self.breached

    @property
    def percent(self) -> int | None:
        """The share that was kept, rounded down, so that 100 % means all; None of nothing."""
        return self.met * 100 // self.total if self.total else None


def selection_of(scope: Scope, counted: Counted) -> ColumnElement[bool]:
    """The tickets that a figure counts."""
    verdicts = _verdicts(scope, counted)
    wanted: Any = {MET: ~verdicts.c.breached, BREACHED: verdicts.c.breached}.get(counted.verdict, true())
    return Ticket.id.in_(select(verdicts.c.ticket_id).where(wanted))


def get_total(scope: Scope, counted: Counted) -> Figure:
    return next(iter(_figures(scope, _verdicts(scope, counted), literal(None))), Figure(None, 0, 0))


def list_by(scope: Scope, counted: Counted, dimension: str) -> Sequence[Figure]:
    """The figures by one of DIMENSIONS, most tickets first; at most MOST."""
    return _figures(scope, _verdicts(scope, counted), getattr(Ticket, dimension))


def list_by_policy(scope: Scope, counted: Counted) -> Sequence[Figure]:
    """By the policy that was in force when it was decided."""
    verdicts = _verdicts(scope, counted, SlaClock.policy_id.label("part"))
    return _figures(scope, verdicts, verdicts.c.part)


def list_by_month(scope: Scope, counted: Counted) -> Sequence[Figure]:
    """By the asker's month in which it was decided, the oldest first."""
    local = func.timezone(scope.zone, SlaClock.decided_at)
    verdicts = _verdicts(scope, counted, cast(func.date_trunc("month", local), Date).label("part"))
    return sorted(_figures(scope, verdicts, verdicts.c.part), key=lambda figure: figure.value)


def _verdicts(scope: Scope, counted: Counted, *parts: Any) -> Subquery:
    """Each ticket with a clock that was decided in time, and whether one was breached; by `parts` if there are any."""
    conditions = [
        SlaClock.tenant_id == scope.tenant_id,
        SlaClock.name == counted.clock,
        SlaClock.decided_at >= _begin(scope, counted.first),
        SlaClock.decided_at < _begin(scope, counted.last + timedelta(days=1)),
    ]
    if counted.policy_id is not None:
        conditions.append(SlaClock.policy_id == counted.policy_id)
    breached = func.bool_or(SlaClock.breached_at.is_not(None)).label("breached")
    query: Select[Any] = select(SlaClock.ticket_id, breached, *parts).where(*conditions)
    return query.group_by(SlaClock.ticket_id, *parts).subquery("verdicts")


def _figures(scope: Scope, verdicts: Subquery, by: Any) -> list[Figure]:
    met = func.count().filter(~verdicts.c.breached)
    breached = func.count().filter(verdicts.c.breached)
    value = by.label("value")
    query = (
        select(value, met, breached)
        .select_from(verdicts)
        .join(Ticket, (Ticket.tenant_id == scope.tenant_id) & (Ticket.id == verdicts.c.ticket_id))
        .where(Ticket.deleted_at.is_(None), *visible(scope, kind_named("ticket")))
        .group_by(value)
        .order_by(func.count().desc())
        .limit(MOST)
    )
    return [Figure(value, met, breached) for value, met, breached in db.session.execute(query)]


def _begin(scope: Scope, day: date) -> datetime:
    """When the asker's day begins."""
    return datetime.combine(day, time(), scope.zone_info)
