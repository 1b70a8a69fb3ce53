"""Calendars: made, put right, put away. A correction makes a new version; the old one stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.records.text import fold
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions.spreading import spread
from app.tickets.events import CalendarArchived, CalendarCreated, CalendarUpdated
from app.tickets.models.sla import SlaCalendar, SlaCalendarVersion
from app.tickets.queries.calendars import find_calendar_named, get_calendar_row, list_policies_with_calendar
from app.tickets.queries.policies import list_policies
from app.tickets.rules.business_time import micros
from app.tickets.rules.definitions import calendar_of

KIND = "sla_calendar"


def create_calendar(scope: Scope, name: str, definition: Mapping[str, Any]) -> UUID:
    """Adds a calendar. Raises Invalid: the name is taken, or it never opens."""
    _check(scope, name, definition)
    row = SlaCalendar(
        tenant_id=scope.tenant_id,
        id=new_id(),
        name=name,
        name_key=fold(name),
        number=1,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    _write(scope, row, definition)
    publish(scope, CalendarCreated(KIND, row.id, name, 1))
    return row.id


def update_calendar(scope: Scope, calendar_id: UUID, version: int, name: str, definition: Mapping[str, Any]) -> bool:
    """Renames it, or puts it right: then every open ticket that runs by it is counted anew, by a job.

    Returns whether its times changed.

    Raises:
        NotFound: there is no such calendar here.
        Conflict: somebody changed it since `version`.
        Invalid: the name is taken, or it never opens.
    """
    row = get_calendar_row(scope, calendar_id)
    if row.version != version:
        raise Conflict(f"The calendar {row.name} was changed meanwhile.", version=row.version)
    _check(scope, name, definition, but=row)
    stored = db.session.get_one(SlaCalendarVersion, (scope.tenant_id, row.id, row.number)).definition
    changed = dict(definition) != stored
    before = {"name": row.name, "number": row.number}
    row.name, row.name_key = name, fold(name)
    row.version += 1
    row.updated_at = scope.now
    if changed:
        row.number += 1
        _write(scope, row, definition)
        spread(scope, "calendar", row.id, row.number)
    publish(scope, CalendarUpdated(KIND, row.id, before, {"name": name, "number": row.number}))
    return changed


def archive_calendar(scope: Scope, calendar_id: UUID) -> None:
    """Puts it away. Raises NotFound; Invalid: policies count by it."""
    row = get_calendar_row(scope, calendar_id)
    kept = {policy.id for policy in list_policies(scope)}
    users = [name for policy_id, name in list_policies_with_calendar(scope, calendar_id) if policy_id in kept]
    if users:
        raise Invalid({"": f"{row.name} cannot be put away: {', '.join(users[:5])} count by it."})
    if row.archived_at is None:
        row.archived_at = row.updated_at = scope.now
        row.version += 1
        publish(scope, CalendarArchived(KIND, row.id, row.name))


def _write(scope: Scope, row: SlaCalendar, definition: Mapping[str, Any]) -> None:
    version = SlaCalendarVersion(
        tenant_id=scope.tenant_id,
        calendar_id=row.id,
        number=row.number,
        definition=dict(definition),
        author_id=scope.user_id,
        created_at=scope.now,
    )
    db.session.add(version)
    db.session.flush()


def _check(scope: Scope, name: str, definition: Mapping[str, Any], *, but: SlaCalendar | None = None) -> None:
    """Rule 14: a calendar without any open time is refused when it is saved, and named."""
    if not calendar_of(definition).opens_after(micros(scope.now)):
        raise Invalid({"mon": f"{name} has no open time at all: nothing could ever be due."})
    taken = find_calendar_named(scope, fold(name))
    if taken is not None and (but is None or taken != but.id):
        raise Invalid({"name": f"There is a calendar called {name} already. Choose another name."})
