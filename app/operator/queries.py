"""What operators see: organisations with their usage, each other, and what was done. Numbers, never records."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, column, func, or_, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.accounts.models import TenantRecord, User
from app.accounts.queries import token_hash
from app.accounts.rules import email_key
from app.core import cache
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.records.kind import all_kinds
from app.core.storage import files
from app.operator import store
from app.operator.models import Operator, OperatorEvent, OperatorSession

log = logging.getLogger(__name__)
PAGE = 20
_BUDGET = 3.0
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """How much an organisation uses. `stored` is bytes of files; `last_at` the last thing that happened there."""

    people: int
    invited: int
    records: int
    stored: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnerInfo:
    """An owner of an organisation, as far as an operator needs to know them."""

    id: UUID
    name: str
    email: str
    joined: bool
    disabled: bool
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class TenantPage:
    """Some organisations in order of their names, and whether more follow."""

    rows: list[TenantRecord]
    total: int
    page: int

    @property
    def has_more(self) -> bool:
        return self.page * PAGE < self.total


def list_tenants(session: Session, *, search: str = "", status: str = "", page: int = 1) -> TenantPage:
    """Organisations whose name or slug holds `search`; `status` is active, suspended or all."""
    wanted: list[ColumnElement[bool]] = []
    if search:
        needle = search.strip().lower()
        named = func.strpos(func.lower(TenantRecord.name), needle) > 0
        wanted.append(or_(named, func.strpos(TenantRecord.slug, needle) > 0, cast(TenantRecord.id, String) == needle))
    if status == "active":
        wanted.append(TenantRecord.suspended_at.is_(None))
    elif status == "suspended":
        wanted.append(TenantRecord.suspended_at.is_not(None))
    total = session.scalar(select(func.count()).select_from(TenantRecord).where(*wanted)) or 0
    order = (func.lower(TenantRecord.name), TenantRecord.id)
    query = select(TenantRecord).where(*wanted).order_by(*order).limit(PAGE).offset((page - 1) * PAGE)
    return TenantPage(list(session.scalars(query)), total, page)


def get_tenant(session: Session, tenant_id: UUID, *, lock: bool = False) -> TenantRecord:
    """Raises NotFound when there is no such organisation."""
    query = select(TenantRecord).where(TenantRecord.id == tenant_id)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound("There is no such organisation.")
    return found


def find_tenant(session: Session, slug: str) -> TenantRecord | None:
    return session.scalars(select(TenantRecord).where(TenantRecord.slug == slug)).one_or_none()


def list_usage(tenant_ids: Iterable[UUID], *, budget: float = _BUDGET) -> dict[UUID, Usage]:
    """Usage by organisation, each in a transaction of its own, at most a minute old. What does not fit into
    `budget` seconds, or fails, is left out.
    """
    found: dict[UUID, Usage] = {}
    until = time.monotonic() + budget
    for tenant_id in tenant_ids:
        if time.monotonic() > until:
            break
        usage = find_usage(tenant_id)
        if usage is not None:
            found[tenant_id] = usage
    return found


def find_usage(tenant_id: UUID) -> Usage | None:
    """Cached for a minute; None if the database took too long, or the operator has no login here."""
    if not store.is_there():
        return None
    minute = int(time.time() // _MINUTE)
    made = cache.get_or_make("operator", (), f"usage:{tenant_id}:{minute}", lambda: _read_usage(tenant_id), ttl=_MINUTE)
    if made is None:
        return None
    last = datetime.fromisoformat(made["last_at"]) if made["last_at"] else None
    return Usage(**{**made, "last_at": last})


def list_owners(session: Session) -> list[OwnerInfo]:
    """The owners of the tenant the session's transaction is of."""
    columns = (User.id, User.name, User.email, User.joined_at, User.disabled_at, User.last_sign_in_at)
    rows = session.execute(select(*columns).where(User.role == "owner").order_by(User.name, User.id).limit(100))
    return [
        OwnerInfo(
            row.id, row.name, row.email, row.joined_at is not None, row.disabled_at is not None, row.last_sign_in_at
        )
        for row in rows
    ]


def list_operators(session: Session) -> list[Operator]:
    return list(session.scalars(select(Operator).order_by(Operator.name, Operator.id).limit(500)))


def get_operator(session: Session, operator_id: UUID, *, lock: bool = False) -> Operator:
    """Raises NotFound when there is no such operator."""
    query = select(Operator).where(Operator.id == operator_id)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound("There is no such operator.")
    return found


def find_operator_by_email(session: Session, email: str, *, lock: bool = False) -> Operator | None:
    query = select(Operator).where(Operator.email_key == email_key(email))
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def find_enrolling(session: Session, token: str, at: datetime, *, lock: bool = False) -> Operator | None:
    """Who may set up their account with this link."""
    query = select(Operator).where(
        Operator.enrol_hash == token_hash(token), Operator.enrol_until > at, Operator.disabled_at.is_(None)
    )
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def find_session(session: Session, token: str) -> tuple[OperatorSession, Operator] | None:
    found = session.execute(
        select(OperatorSession, Operator)
        .join(Operator, Operator.id == OperatorSession.operator_id)
        .where(OperatorSession.token_hash == token_hash(token))
    ).one_or_none()
    return (found[0], found[1]) if found else None


def list_events(
    session: Session, *, about: UUID | None = None, before: UUID | None = None, limit: int = 50
) -> list[OperatorEvent]:
    """What was done, newest first; about one organisation or operator, and before a known event."""
    query = select(OperatorEvent).order_by(OperatorEvent.id.desc()).limit(limit)
    if about is not None:
        query = query.where(OperatorEvent.about_id == about)
    if before is not None:
        query = query.where(OperatorEvent.id < before)
    return list(session.scalars(query))


def _read_usage(tenant_id: UUID) -> dict[str, Any] | None:
    try:
        with store.reading(tenant_id) as session:
            session.execute(text("select set_config('statement_timeout', '2s', true)"))
            people = _count_people(session, User.joined_at.is_not(None))
            invited = _count_people(session, User.joined_at.is_(None))
            records = sum(_count(session, kind.model) for kind in all_kinds())
            last_at = session.scalar(select(EventRow.at).order_by(EventRow.id.desc()).limit(1))
    except DBAPIError as error:
        log.warning("usage_unknown", extra={"about_id": str(tenant_id), "error": type(error).__name__})
        return None
    return {
        "people": people,
        "invited": invited,
        "records": records,
        "stored": files().used(tenant_id),
        "last_at": last_at.isoformat() if last_at else None,
    }


def _count_people(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(User.id)).where(User.disabled_at.is_(None), which)) or 0


def _count(session: Session, model: Any) -> int:
    """Only the columns the operator may see are named (`rls.count_by_operator`)."""
    rows = table(model.__tablename__, column("id"), column("deleted_at"))
    return session.scalar(select(func.count(rows.c.id)).where(rows.c.deleted_at.is_(None))) or 0
