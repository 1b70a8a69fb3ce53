"""What tests of service levels share: a calendar, policies, and tickets at instants of their own choosing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts.queries import system_scope
from app.core.clock import new_id
from app.core.events import EventRow
from app.core.records import actions as records
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import calendars, clocks, policies
from app.tickets.definition import TICKETS
from app.tickets.models import SlaAlert, SlaClock, Ticket
from app.tickets.queries import clocks as queries

# A Monday at nine, in the zone of the calendar.
NINE = datetime(2026, 11, 16, 9, tzinfo=UTC)
WEEKDAYS = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def promise(**more: Any) -> dict[str, Any]:
    """A definition: an hour for the first response, two for the next, eight for the resolution."""
    standard: dict[str, Any] = {
        "conditions": {},
        "first_response": 60,
        "next_response": 120,
        "resolution": 480,
        "pause_on": ["pending"],
        "pause_targets": ["resolution"],
        "reopen": "resume",
        "warn_percent": [50],
        "escalations": [],
    }
    return standard | more


def level(after: int = 30, **more: Any) -> dict[str, Any]:
    return {"after": after, "assign_to": None, "notify": [], "notify_managers": False, "raise_priority": False} | more


class Desk:
    """`desk.at(minutes)` is the scope so many minutes after nine on a Monday; everything is done at such an instant."""

    def __init__(self, scope: Scope, inside: Callable[..., Any]) -> None:
        self.scope, self.inside = scope, inside

    def at(self, minutes: float = 0) -> Scope:
        return replace(self.scope, now=NINE + timedelta(minutes=minutes))

    def system(self, minutes: float) -> Scope:
        return replace(system_scope(self.scope.tenant_id), now=NINE + timedelta(minutes=minutes))

    def calendar(self, name: str = "Office", **definition: Any) -> UUID:
        whole = {"tz": "UTC", "weekly": WEEKDAYS, "holidays": []} | definition
        with self.inside(self.scope):
            return calendars.create_calendar(self.at(), name, whole)

    def policy(self, calendar_id: UUID, name: str = "Standard", **definition: Any) -> UUID:
        with self.inside(self.scope):
            return policies.create_policy(self.at(), name, calendar_id, promise(**definition))

    def ticket(self, minutes: float = 0, **values: Any) -> UUID:
        scope = self.at(minutes)
        with self.inside(self.scope):
            return records.create_record(scope, TICKETS, {"subject": "Help", "requester_name": "Doe"} | values)

    def note(self, ticket_id: UUID, minutes: float, what: str, value: Any = None) -> None:
        with self.inside(self.scope):
            clocks.note(self.at(minutes), db.session.get_one(Ticket, (self.scope.tenant_id, ticket_id)), what, value)

    def move(self, ticket_id: UUID, minutes: float, to: str) -> None:
        with self.inside(self.scope):
            records.move_record(self.at(minutes), TICKETS, ticket_id, self._version(ticket_id), to)

    def change(self, ticket_id: UUID, minutes: float, **values: Any) -> None:
        with self.inside(self.scope):
            records.update_record(self.at(minutes), TICKETS, ticket_id, self._version(ticket_id), values)

    def row(self, ticket_id: UUID) -> Ticket:
        with self.inside(self.scope):
            found = db.session.get_one(Ticket, (self.scope.tenant_id, ticket_id), populate_existing=True)
            db.session.expunge(found)
            return found

    def clock(self, ticket_id: UUID, name: str, ordinal: int = 1) -> SlaClock:
        with self.inside(self.scope):
            key = (self.scope.tenant_id, ticket_id, name, ordinal)
            found = db.session.get_one(SlaClock, key, populate_existing=True)
            db.session.expunge(found)
            return found

    def events(self, *verbs: str) -> list[tuple[str, dict[str, Any]]]:
        """What was published of clocks, in order, without their tickets."""
        with self.inside(self.scope):
            rows = db.session.scalars(select(EventRow).order_by(EventRow.id)).all()
            found = [(row.type.partition(".")[2], dict(row.data)) for row in rows if ".sla-" in row.type]
        return [one for one in found if not verbs or one[0] in verbs]

    def alerts(self) -> int:
        with self.inside(self.scope):
            return len(db.session.scalars(select(SlaAlert.id)).all())

    def agree(self, ticket_id: UUID, minutes: float) -> None:
        """What is stored is what the history says when it is told afresh."""
        with self.inside(self.scope):
            scope = self.at(minutes)
            history = queries.get_history(scope, ticket_id)
            stored = queries.get_clocks(scope, [ticket_id]).get(ticket_id, {})
            check_equal(queries.get_track(scope, history, scope.now), stored)

    def _version(self, ticket_id: UUID) -> int:
        return db.session.get_one(Ticket, (self.scope.tenant_id, ticket_id)).version


def check_equal(track: Any, stored: dict[tuple[str, int], SlaClock]) -> None:
    from app.tickets.rules.business_time import instant
    from app.tickets.rules.standing import numbered

    told = {(clock.name, ordinal): clock for ordinal, clock in numbered(track)}
    assert {key for key, clock in told.items() if clock.promises} <= set(stored)
    for key, row in stored.items():
        clock = told[key]
        as_instant = lambda at: None if at is None else instant(at)  # noqa: E731
        facts = {
            "due_at": as_instant(clock.due),
            "breached_at": as_instant(clock.breached_at),
            "met_at": as_instant(clock.met_at),
            "cancelled_at": as_instant(clock.cancelled_at),
            "paused": clock.paused,
            "target": clock.target or None,
            "fired": {f"{what}:{number}": at for (what, number), at in clock.fired.items()},
        }
        assert {name: getattr(row, name) for name in facts} == facts, key


__all__ = ["ALL_DAY", "NINE", "WEEKDAYS", "Desk", "check_equal", "level", "new_id", "promise"]
