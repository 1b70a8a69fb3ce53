"""Calendars: which there are, and what a version of one says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import func, select

from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models.sla import SlaCalendar, SlaCalendarVersion, SlaPolicy, SlaPolicyVersion
from app.tickets.rules.business_time import Calendar
from app.tickets.rules.definitions import calendar_of

# Versions never change, so what one means is worked out once a process.
_made: LRUCache[tuple[UUID, UUID, int], Calendar] = LRUCache(500)


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    """A calendar with the version in force."""

    id: UUID
    name: str
    number: int
    version: int
    definition: Mapping[str, Any]
    archived_at: datetime | None = None


def list_calendars(scope: Scope, *, archived: bool = False) -> list[CalendarInfo]:
    """By name; those put away only if `archived`."""
    query = _in_force(scope).order_by(SlaCalendar.name_key, SlaCalendar.id).limit(500)
    if not archived:
        query = query.where(SlaCalendar.archived_at.is_(None))
    return [_info(row, definition) for row, definition in db.session.execute(query)]


def get_calendar(scope: Scope, calendar_id: UUID) -> CalendarInfo:
    """Raises NotFound."""
    found = db.session.execute(_in_force(scope).where(SlaCalendar.id == calendar_id)).one_or_none()
    if found is None:
        raise NotFound("This calendar does not exist, or is not yours to see.")
    return _info(*found)


def get_calendar_row(scope: Scope, calendar_id: UUID) -> SlaCalendar:
    """The row, held until the transaction ends. Raises NotFound."""
    query = select(SlaCalendar).where(SlaCalendar.tenant_id == scope.tenant_id, SlaCalendar.id == calendar_id)
    found = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound("This calendar does not exist, or is not yours to see.")
    return found


def find_calendar_named(scope: Scope, name_key: str) -> UUID | None:
    query = select(SlaCalendar.id).where(
        SlaCalendar.tenant_id == scope.tenant_id, SlaCalendar.name_key == name_key, SlaCalendar.archived_at.is_(None)
    )
    return db.session.scalars(query).first()


def get_calendar_definition(scope: Scope, calendar_id: UUID, number: int) -> Mapping[str, Any]:
    """What a version said. Raises NotFound."""
    row = db.session.get(SlaCalendarVersion, (scope.tenant_id, calendar_id, number))
    if row is None:
        raise NotFound("This calendar does not exist, or is not yours to see.")
    return row.definition


def get_made_calendar(scope: Scope, calendar_id: UUID, number: int) -> Calendar:
    """A version, ready to count with; kept by the process. Raises NotFound."""
    key = (scope.tenant_id, calendar_id, number)
    found = _made.get(key)
    if found is None:
        row = db.session.get(SlaCalendarVersion, key)
        if row is None:
            raise NotFound("This calendar does not exist, or is not yours to see.")
        found = _made[key] = calendar_of(row.definition)
    return found


def count_policies_by_calendar(scope: Scope) -> dict[UUID, int]:
    """How many policies that are kept use each calendar."""
    query = (
        select(SlaPolicyVersion.calendar_id, func.count())
        .join(SlaPolicy, _version_in_force())
        .where(SlaPolicy.tenant_id == scope.tenant_id, SlaPolicy.archived_at.is_(None))
        .group_by(SlaPolicyVersion.calendar_id)
    )
    return dict(db.session.execute(query).tuples().all())


def list_policies_with_calendar(scope: Scope, calendar_id: UUID) -> list[tuple[UUID, str]]:
    """Policies that count in this calendar, also those switched off or put away: tickets may run on them."""
    query = (
        select(SlaPolicy.id, SlaPolicy.name)
        .join(SlaPolicyVersion, _version_in_force())
        .where(SlaPolicy.tenant_id == scope.tenant_id, SlaPolicyVersion.calendar_id == calendar_id)
        .order_by(SlaPolicy.position, SlaPolicy.id)
    )
    return [(policy_id, name) for policy_id, name in db.session.execute(query)]


def _version_in_force() -> Any:
    return (
        (SlaPolicyVersion.tenant_id == SlaPolicy.tenant_id)
        & (SlaPolicyVersion.policy_id == SlaPolicy.id)
        & (SlaPolicyVersion.number == SlaPolicy.number)
    )


def _in_force(scope: Scope) -> Any:
    return (
        select(SlaCalendar, SlaCalendarVersion.definition)
        .join(
            SlaCalendarVersion,
            (SlaCalendarVersion.tenant_id == SlaCalendar.tenant_id)
            & (SlaCalendarVersion.calendar_id == SlaCalendar.id)
            & (SlaCalendarVersion.number == SlaCalendar.number),
        )
        .where(SlaCalendar.tenant_id == scope.tenant_id)
    )


def _info(row: SlaCalendar, definition: Mapping[str, Any]) -> CalendarInfo:
    return CalendarInfo(row.id, row.name, row.number, row.version, definition, row.archived_at)
