"""Who there is: tenants, people and sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, update

from app.accounts.models import TenantRecord, User, UserSession
from app.accounts.rules import email_key, is_slug, permissions_of
from app.core import cache
from app.core import db as database
from app.core.access import EVERYTHING
from app.core.errors import NotFound
from app.core.scope import Scope, has_tenant, no_tenant, writable
from app.extensions import db

Answer = TypeVar("Answer")
GLOBAL = "all"
TENANT_KIND = "tenant"
IDENTITY_KINDS = ("session", "user")
_TOUCH = timedelta(minutes=5)


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


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A person, for pickers and lists."""

    id: UUID
    name: str
    email: str
    role: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The session behind a token, and whose it is."""

    session_id: UUID
    user_id: UUID
    name: str
    email: str
    role: str
    disabled: bool
    expires_at: datetime
    last_seen_at: datetime


def find_tenant(name: str) -> TenantInfo | None:
    """The tenant with this slug or id; through the cache."""
    key = name.strip().lower()
    identifier = _uuid_or_none(key)
    if identifier is None and not is_slug(key):
        return None
    found = cache.get_or_make(GLOBAL, (TENANT_KIND,), f"by-name:{key}", lambda: _read_tenant(identifier, key))
    return None if found is None else TenantInfo(**{**found, "id": UUID(found["id"])})


def get_tenant(tenant_id: UUID) -> TenantInfo:
    """Raises NotFound when there is no such tenant."""
    found = find_tenant(str(tenant_id))
    if found is None:
        raise NotFound
    return found


def list_tenants() -> list[TenantInfo]:
    """All tenants, by name. For commands and sweeps."""
    return _from_anywhere(
        lambda: [_tenant_info(row) for row in db.session.scalars(select(TenantRecord).order_by(TenantRecord.name))]
    )


def find_user_by_email(email: str) -> User | None:
    """The person with this address in the present tenant, however it is spelled."""
    return db.session.scalars(select(User).where(User.email_key == email_key(email))).one_or_none()


def list_users(scope: Scope, *, disabled: bool = False) -> list[UserInfo]:
    """The tenant's people by name; those who left only if `disabled`. Cached."""
    made = cache.get_or_make(scope.tenant_id, ("user",), "list", lambda: _read_users(scope.tenant_id))
    users = [UserInfo(**{**item, "id": UUID(item["id"])}) for item in made]
    return users if disabled else [user for user in users if not user.disabled]


def find_identity(tenant_id: UUID, token: str, at: datetime) -> Identity | None:
    """Whose token this is. Cached for at most five minutes, after which the session is marked as used."""
    hashed = token_hash(token)
    bucket = int(at.timestamp() // _TOUCH.total_seconds())
    found = cache.get_or_make(
        tenant_id, IDENTITY_KINDS, f"identity:{hashed}:{bucket}", lambda: _read_identity(tenant_id, hashed, at)
    )
    if found is None:
        return None
    ids = {name: UUID(found[name]) for name in ("session_id", "user_id")}
    times = {name: datetime.fromisoformat(found[name]) for name in ("expires_at", "last_seen_at")}
    return Identity(**{**found, **ids, **times})


def scope_of(tenant: TenantInfo, identity: Identity, at: datetime) -> Scope:
    """What the person may do, where and when."""
    return Scope(
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        tenant_slug=tenant.slug,
        user_id=identity.user_id,
        user_name=identity.name,
        user_email=identity.email,
        role=identity.role,
        permissions=permissions_of(identity.role),
        reach_elsewhere=EVERYTHING,
        colleagues=frozenset({identity.user_id}),
        locale=tenant.locale,
        zone=tenant.zone,
        region=tenant.region,
        currency=tenant.currency,
        now=at,
    )


def system_scope(tenant_id: UUID) -> Scope:
    """The system itself in one tenant, for jobs and commands. Raises NotFound for an unknown tenant."""
    tenant = get_tenant(tenant_id)
    return Scope(
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        tenant_slug=tenant.slug,
        permissions=permissions_of("owner"),
        reach_elsewhere=EVERYTHING,
        locale=tenant.locale,
        zone=tenant.zone,
        region=tenant.region,
        currency=tenant.currency,
    )


def user_scope(tenant_id: UUID, user_id: UUID, at: datetime) -> Scope:
    """The rights a person holds now, for a job that works in their name. Raises NotFound, also if disabled."""
    tenant = get_tenant(tenant_id)
    row = db.session.get(User, (tenant_id, user_id))
    if row is None or row.disabled_at is not None:
        raise NotFound
    identity = Identity(row.id, row.id, row.name, row.email, row.role, False, at, at)
    return scope_of(tenant, identity, at)


def token_hash(token: str) -> str:
    """Tokens are 256 random bits, so one round of SHA-256 is enough; a stolen table signs nobody in."""
    return hashlib.sha256(token.encode()).hexdigest()


def _read_tenant(identifier: UUID | None, slug: str) -> dict[str, Any] | None:
    where = TenantRecord.id == identifier if identifier else TenantRecord.slug == slug
    row = _from_anywhere(lambda: db.session.scalars(select(TenantRecord).where(where)).one_or_none())
    if row is None:
        return None
    return {**_fields(_tenant_info(row)), "id": str(row.id)}


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


def _read_users(tenant_id: UUID) -> list[dict[str, Any]]:
    rows = db.session.scalars(select(User).where(User.tenant_id == tenant_id).order_by(User.name, User.id))
    return [{**_fields(_user_info(row)), "id": str(row.id)} for row in rows]


def _read_identity(tenant_id: UUID, hashed: str, at: datetime) -> dict[str, Any] | None:
    """Reads the session and, if that is due, marks it as used: the one write that a GET makes."""
    with writable():
        found = db.session.execute(
            select(UserSession, User)
            .join(User, (User.tenant_id == UserSession.tenant_id) & (User.id == UserSession.user_id))
            .where(UserSession.tenant_id == tenant_id, UserSession.token_hash == hashed)
        ).one_or_none()
        if found is None:
            database.rollback()
            return None
        session, user = found
        made = {
            "session_id": str(session.id),
            "user_id": str(user.id),
            "name": user.name,
            "email": user.email,
            "role": user.role,
            "disabled": user.disabled_at is not None,
            "expires_at": session.expires_at.isoformat(),
            "last_seen_at": session.last_seen_at.isoformat(),
        }
        if at - session.last_seen_at >= _TOUCH:
            _touch(tenant_id, session.id, at)
        database.commit()
    return made


def _touch(tenant_id: UUID, session_id: UUID, at: datetime) -> None:
    """Skips a row that another request of the same browser is touching: neither waits for the other."""
    free = (
        select(UserSession.id)
        .where(UserSession.tenant_id == tenant_id, UserSession.id == session_id)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    db.session.execute(
        update(UserSession)
        .where(UserSession.tenant_id == tenant_id, UserSession.id == free)
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )


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
    )


def _user_info(row: User) -> UserInfo:
    return UserInfo(row.id, row.name, row.email, row.role, row.disabled_at is not None)


def _fields(info: TenantInfo | UserInfo) -> dict[str, Any]:
    return {name: getattr(info, name) for name in info.__dataclass_fields__}


def _uuid_or_none(text: str) -> UUID | None:
    """An id in the one way we write it: Python takes any number of hyphens, and each spelling would be cached."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
