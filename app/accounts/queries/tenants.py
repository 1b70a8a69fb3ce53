"""Which organisations there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import TenantRecord
from app.accounts.rules import Policy, is_slug
from app.core import cache
from app.core import db as database
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.scope import Scope, has_tenant, no_tenant
from app.extensions import db

Answer = TypeVar("Answer")
GLOBAL = cache.GLOBAL
TENANT_KIND = "tenant"
cache.share_kind(TENANT_KIND)
_LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """A tenant as everything above the table sees it."""

    id: UUID
    slug: str
    name: str
    zone: str
    locale: str
    region: str
    currency: str
    suspended: bool
    policy: Policy = field(default_factory=Policy)
    version: int = 1


def find_tenant(name: str) -> TenantInfo | None:
    """The tenant with this slug or id; through the cache."""
    key = name.strip().lower()
    identifier = _uuid_or_none(key)
    if identifier is None and not is_slug(key):
        return None
    found = cache.get_or_make(GLOBAL, (TENANT_KIND,), f"by-name:{key}", lambda: _read_tenant(identifier, key))
    if found is None:
        return None
    return TenantInfo(**{**found, "id": UUID(found["id"]), "policy": Policy.read(found["policy"])})


def get_tenant(tenant_id: UUID) -> TenantInfo:
    """Raises NotFound when there is no such tenant."""
    found = find_tenant(str(tenant_id))
    if found is None:
        raise NotFound
    return found


def list_tenants(*, suspended: bool = True) -> list[TenantInfo]:
    """All tenants, by name; those that are suspended only if asked for. For commands and sweeps."""
    query = select(TenantRecord).order_by(TenantRecord.name)
    if not suspended:
        query = query.where(TenantRecord.suspended_at.is_(None))
    return _from_anywhere(lambda: [_tenant_info(row) for row in db.session.scalars(query)])


def locked_tenant(scope: Scope) -> TenantRecord:
    """The tenant's own row, until the transaction ends: two who change it come one after the other."""
    query = select(TenantRecord).where(TenantRecord.id == scope.tenant_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def get_settings(scope: Scope) -> tuple[dict[str, Any], int]:
    """The organisation's settings as they are stored, and their version."""
    row = db.session.scalars(select(TenantRecord).where(TenantRecord.id == scope.tenant_id)).one()
    return settings_of(row), row.version


def settings_of(row: TenantRecord) -> dict[str, Any]:
    """Every setting of an organisation under its name, as JSON holds it."""
    plain = {"name": row.name, "zone": row.zone, "locale": row.locale, "region": row.region, "currency": row.currency}
    return plain | Policy.read(row.policy).stored()


def list_settings_changes(scope: Scope, since: int) -> list[EventRow]:
    """The changes of the organisation's settings that made later versions than this, newest first."""
    rows = db.session.scalars(
        select(EventRow)
        .where(
            EventRow.tenant_id == scope.tenant_id,
            EventRow.subject_id == scope.tenant_id,
            EventRow.type == "tenant.changed",
        )
        .order_by(EventRow.id.desc())
        .limit(_LOOK_BACK)
    )
    return [row for row in rows if row.data["version"] > since]


def _read_tenant(identifier: UUID | None, slug: str) -> dict[str, Any] | None:
    where = TenantRecord.id == identifier if identifier else TenantRecord.slug == slug
    row = _from_anywhere(lambda: db.session.scalars(select(TenantRecord).where(where)).one_or_none())
    if row is None:
        return None
    info = _tenant_info(row)
    facts = {name: getattr(info, name) for name in info.__dataclass_fields__}
    return {**facts, "id": str(row.id), "policy": info.policy.stored()}


def _from_anywhere(read: Callable[[], Answer]) -> Answer:
    """Tenants can be read in any tenant's transaction, which goes on; without one, in a transaction of its own."""
    if has_tenant():
        return read()
    with no_tenant():
        try:
            return read()
        finally:
            db.session.expunge_all()
            database.rollback()


def _tenant_info(row: TenantRecord) -> TenantInfo:
    return TenantInfo(
        id=row.id,
        slug=row.slug,
        name=row.name,
        zone=row.zone,
        locale=row.locale,
        region=row.region,
        currency=row.currency,
        suspended=row.suspended_at is not None,
        policy=Policy.read(row.policy),
        version=row.version,
    )


def _uuid_or_none(text: str) -> UUID | None:
    """An id in the one way we write it: Python takes any number of hyphens, and each spelling would be cached."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
