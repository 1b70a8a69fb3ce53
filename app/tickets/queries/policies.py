"""Policies: which there are, in their order, and what a version of one promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import select

from app.core import cache
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models.sla import SlaCalendar, SlaPolicy, SlaPolicyVersion

POLICY_KINDS = ("sla_policy", "sla_calendar")
_known: LRUCache[tuple[UUID, UUID, int], Mapping[str, Any]] = LRUCache(2_000)


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy with the version in force: rules.promises has the form of the definition."""

    id: UUID
    name: str
    position: int
    number: int
    version: int
    is_on: bool
    calendar_id: UUID
    calendar_name: str
    calendar_number: int
    definition: Mapping[str, Any]
    archived_at: datetime | None = None


def list_policies(scope: Scope, *, archived: bool = False) -> list[PolicyInfo]:
    """In their order; those put away only if `archived`. Through the cache."""
    made = cache.get_or_make(scope.tenant_id, POLICY_KINDS, "policies", lambda: _read(scope))
    found = [_restored(item) for item in made]
    return found if archived else [policy for policy in found if policy.archived_at is None]


def get_policy(scope: Scope, policy_id: UUID) -> PolicyInfo:
    """Raises NotFound."""
    query = _in_force(scope).where(SlaPolicy.id == policy_id)
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound("This policy does not exist, or is not yours to see.")
    return _info(*found)


def get_policy_row(scope: Scope, policy_id: UUID) -> SlaPolicy:
    """The row, held until the transaction ends. Raises NotFound."""
    query = select(SlaPolicy).where(SlaPolicy.tenant_id == scope.tenant_id, SlaPolicy.id == policy_id)
    found = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound("This policy does not exist, or is not yours to see.")
    return found


def locked_policies(scope: Scope) -> list[SlaPolicy]:
    """All that are kept, in their order, held until the transaction ends."""
    query = (
        select(SlaPolicy)
        .where(SlaPolicy.tenant_id == scope.tenant_id, SlaPolicy.archived_at.is_(None))
        .order_by(SlaPolicy.position, SlaPolicy.id)
    )
    return list(db.session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def get_promise(scope: Scope, policy_id: UUID, number: int) -> Mapping[str, Any]:
    """What a version said; kept by the process, since it never changes. Raises NotFound."""
    key = (scope.tenant_id, policy_id, number)
    found = _known.get(key)
    if found is None:
        row = db.session.get(SlaPolicyVersion, key)
        if row is None:
            raise NotFound("This policy does not exist, or is not yours to see.")
        found = _known[key] = row.definition
    return found


def _read(scope: Scope) -> list[dict[str, Any]]:
    query = _in_force(scope).order_by(SlaPolicy.position, SlaPolicy.id).limit(1_000)
    return [_kept(_info(*row)) for row in db.session.execute(query)]


def _in_force(scope: Scope) -> Any:
    return (
        select(SlaPolicy, SlaPolicyVersion, SlaCalendar)
        .join(
            SlaPolicyVersion,
            (SlaPolicyVersion.tenant_id == SlaPolicy.tenant_id)
            & (SlaPolicyVersion.policy_id == SlaPolicy.id)
            & (SlaPolicyVersion.number == SlaPolicy.number),
        )
        .join(
            SlaCalendar,
            (SlaCalendar.tenant_id == SlaPolicyVersion.tenant_id) & (SlaCalendar.id == SlaPolicyVersion.calendar_id),
        )
        .where(SlaPolicy.tenant_id == scope.tenant_id)
    )


def _info(row: SlaPolicy, version: SlaPolicyVersion, calendar: SlaCalendar) -> PolicyInfo:
    return PolicyInfo(
        row.id,
        row.name,
        row.position,
        row.number,
        row.version,
        row.is_on,
        calendar.id,
        calendar.name,
        calendar.number,
        version.definition,
        row.archived_at,
    )


def _kept(info: PolicyInfo) -> dict[str, Any]:
    facts = {name: getattr(info, name) for name in info.__dataclass_fields__}
    archived = info.archived_at.isoformat() if info.archived_at else None
    return facts | {"id": str(info.id), "calendar_id": str(info.calendar_id), "archived_at": archived}


def _restored(item: Mapping[str, Any]) -> PolicyInfo:
    at = item["archived_at"]
    ids = {"id": UUID(item["id"]), "calendar_id": UUID(item["calendar_id"])}
    return PolicyInfo(**{**item, **ids, "archived_at": datetime.fromisoformat(at) if at else None})
