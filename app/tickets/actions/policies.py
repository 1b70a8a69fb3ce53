"""Policies: made, changed, put in order, switched on and off, put away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions.spreading import spread
from app.tickets.events import PolicyArchived, PolicyCreated, PolicyMoved, PolicySwitched, PolicyUpdated
from app.tickets.models.sla import SlaPolicy, SlaPolicyVersion
from app.tickets.queries.calendars import get_calendar, get_made_calendar
from app.tickets.queries.policies import get_policy_row, locked_policies
from app.tickets.rules.business_time import MINUTE, NoOpenTime, micros
from app.tickets.rules.promises import same_promise
from app.tickets.rules.sla import TARGETS

KIND = "sla_policy"
MOST = 100


def create_policy(scope: Scope, name: str, calendar_id: UUID, definition: Mapping[str, Any]) -> UUID:
    """Adds a policy below the others. Raises Invalid, NotFound (the calendar)."""
    others = locked_policies(scope)
    if len(others) >= MOST:
        raise Invalid({"": f"There are {MOST} policies already. Put some away first."})
    _check(scope, calendar_id, definition)
    row = SlaPolicy(
        tenant_id=scope.tenant_id,
        id=new_id(),
        name=name,
        position=max((other.position for other in others), default=0) + 1,
        number=1,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    _write(scope, row, calendar_id, definition)
    publish(scope, PolicyCreated(KIND, row.id, name, 1))
    return row.id


def update_policy(
    scope: Scope, policy_id: UUID, version: int, name: str, calendar_id: UUID, definition: Mapping[str, Any]
) -> bool:
    """Changes it. What a running clock notices reaches the open tickets by a job; returns whether there is such.

    Raises:
        NotFound: there is no such policy or calendar here.
        Conflict: somebody changed it since `version`.
        Invalid: it promises nothing.
    """
    row = get_policy_row(scope, policy_id)
    if row.version != version:
        raise Conflict(f"The policy {row.name} was changed meanwhile.", version=row.version)
    _check(scope, calendar_id, definition)
    stored = db.session.get_one(SlaPolicyVersion, (scope.tenant_id, row.id, row.number))
    noticed = stored.calendar_id != calendar_id or not same_promise(stored.definition, definition)
    before = {"name": row.name, "number": row.number}
    if noticed or stored.definition != dict(definition):
        row.number += 1
        _write(scope, row, calendar_id, definition)
    row.name = name
    _touch(scope, row)
    if noticed:
        spread(scope, "policy", row.id, row.number)
    publish(scope, PolicyUpdated(KIND, row.id, before, {"name": name, "number": row.number}))
    return noticed


def move_policy(scope: Scope, policy_id: UUID, to: int) -> None:
    """Puts it at place `to` (0 is first); beyond the ends is at the end. Raises NotFound."""
    rows = locked_policies(scope)
    row = get_policy_row(scope, policy_id)
    others = [other for other in rows if other.id != policy_id]
    before = next((place for place, other in enumerate(rows) if other.id == policy_id), len(rows))
    to = max(0, min(to, len(others)))
    for place, other in enumerate([*others[:to], row, *others[to:]], start=1):
        other.position = place
    db.session.flush()
    if before != to:
        publish(scope, PolicyMoved(KIND, row.id, row.name, before + 1, to + 1))


def switch_policy(scope: Scope, policy_id: UUID, *, on: bool) -> int:
    """On: tickets that come in from now on may fall under it. Off: its clocks end without a breach (rule 12), by a job.

    Returns how many open tickets ran on it. Raises NotFound.
    """
    row = get_policy_row(scope, policy_id)
    if row.is_on == on or row.archived_at is not None:
        return 0
    row.is_on = on
    _touch(scope, row)
    tickets = 0 if on else spread(scope, "end", row.id, row.number)
    publish(scope, PolicySwitched(KIND, row.id, row.name, on, tickets))
    return tickets


def archive_policy(scope: Scope, policy_id: UUID) -> int:
    """Puts it away for good: its clocks end without a breach (rule 12), by a job; what it decided stays in the figures.

    Returns how many open tickets ran on it. Raises NotFound.
    """
    row = get_policy_row(scope, policy_id)
    if row.archived_at is not None:
        return 0
    was_on, row.is_on, row.archived_at = row.is_on, False, scope.now
    _touch(scope, row)
    tickets = spread(scope, "end", row.id, row.number) if was_on else 0
    publish(scope, PolicyArchived(KIND, row.id, row.name, tickets))
    return tickets


def _touch(scope: Scope, row: SlaPolicy) -> None:
    row.version += 1
    row.updated_at = scope.now
    db.session.flush()


def _write(scope: Scope, row: SlaPolicy, calendar_id: UUID, definition: Mapping[str, Any]) -> None:
    version = SlaPolicyVersion(
        tenant_id=scope.tenant_id,
        policy_id=row.id,
        number=row.number,
        calendar_id=calendar_id,
        definition=dict(definition),
        author_id=scope.user_id,
        created_at=scope.now,
    )
    db.session.add(version)
    db.session.flush()


def _check(scope: Scope, calendar_id: UUID, definition: Mapping[str, Any]) -> None:
    info = get_calendar(scope, calendar_id)
    if info.archived_at is not None:
        raise Invalid({"calendar_id": "This calendar was put away. Choose another."})
    if not any(definition.get(name) for name in TARGETS):
        raise Invalid({"first_response": "Give at least one target; a policy without any promises nothing."})
    calendar = get_made_calendar(scope, info.id, info.number)
    for name in TARGETS:
        try:
            calendar.after(micros(scope.now), (definition.get(name) or 0) * MINUTE)
        except NoOpenTime as never:
            said = f"{info.name} is open so rarely that this would not be due within twenty years."
            raise Invalid({name: said}) from never
