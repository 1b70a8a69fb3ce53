"""Changes of policies and calendars on their way to open tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, true

from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaChange, SlaClock, SlaPolicy, SlaPolicyVersion

POLICY, CALENDAR, END = "policy", "calendar", "end"


@dataclass(frozen=True, slots=True)
class ChangeInfo:
    """How far a change has come; `done_at` is None until all tickets have it."""

    kind: str
    number: int
    total: int
    done: int
    created_at: datetime
    done_at: datetime | None


def find_latest_change(scope: Scope, subject_id: UUID) -> ChangeInfo | None:
    """The last change of this policy or calendar that concerned tickets."""
    query = (
        select(SlaChange)
        .where(SlaChange.tenant_id == scope.tenant_id, SlaChange.subject_id == subject_id, SlaChange.total > 0)
        .order_by(SlaChange.id.desc())
        .limit(1)
    )
    row = db.session.scalars(query).first()
    if row is None:
        return None
    return ChangeInfo(row.kind, row.number, row.total, row.done, row.created_at, row.done_at)


def count_concerned(scope: Scope, kind: str, subject_id: UUID) -> int:
    """Tickets with a clock that is not over, on this policy or calendar."""
    rows = select(Ticket.id).where(*_concerned(scope, kind, subject_id))
    return db.session.execute(select(func.count()).select_from(rows.subquery())).scalar_one()


def list_concerned(scope: Scope, change: SlaChange, limit: int) -> Sequence[Ticket]:
    """The next tickets that have not taken the change, held until the transaction ends."""
    after: Any = Ticket.id > change.cursor if change.cursor else true()
    query = (
        select(Ticket)
        .where(*_concerned(scope, change.kind, change.subject_id), after)
        .order_by(Ticket.id)
        .limit(limit)
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(query))


def list_open_changes(scope: Scope, at: datetime) -> list[UUID]:
    """Changes nobody works on."""
    query = select(SlaChange.id).where(
        SlaChange.tenant_id == scope.tenant_id, SlaChange.done_at.is_(None), SlaChange.lease_until <= at
    )
    return list(db.session.scalars(query.order_by(SlaChange.id).limit(100)))


def find_open_change(scope: Scope, change_id: UUID, at: datetime | None) -> SlaChange | None:
    """The change, held, unless it is done or (with `at`) another worker has it."""
    free = SlaChange.lease_until <= at if at is not None else true()
    query = select(SlaChange).where(
        SlaChange.tenant_id == scope.tenant_id, SlaChange.id == change_id, SlaChange.done_at.is_(None), free
    )
    return db.session.scalars(
        query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).one_or_none()


def tenants_with_changes(at: datetime, most: int = 1000) -> list[UUID]:
    """Through a definer function: ids of tenants, and nothing more about them."""
    found = text("select tenants_with_sla_changes(cast(:at as timestamptz), cast(:most as integer))")
    return [row[0] for row in db.session.execute(found, {"at": at, "most": most})]


def _concerned(scope: Scope, kind: str, subject_id: UUID) -> list[ColumnElement[bool]]:
    """A policy's tickets are its own; a calendar's those of every policy that counts by it now."""
    policies: Any = [subject_id]
    if kind == CALENDAR:
        policies = (
            select(SlaPolicy.id)
            .join(
                SlaPolicyVersion,
                (SlaPolicyVersion.tenant_id == SlaPolicy.tenant_id)
                & (SlaPolicyVersion.policy_id == SlaPolicy.id)
                & (SlaPolicyVersion.number == SlaPolicy.number),
            )
            .where(SlaPolicy.tenant_id == scope.tenant_id, SlaPolicyVersion.calendar_id == subject_id)
        )
    running = (
        select(SlaClock.ticket_id)
        .where(
            SlaClock.tenant_id == scope.tenant_id,
            SlaClock.policy_id.in_(policies),
            SlaClock.met_at.is_(None),
            SlaClock.cancelled_at.is_(None),
        )
        .distinct()
    )
    return [Ticket.tenant_id == scope.tenant_id, Ticket.deleted_at.is_(None), Ticket.id.in_(running)]
