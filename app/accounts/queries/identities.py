"""Who is behind a session's token, and what they may do: read at every request, so all of it through the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update

from app.accounts.models import Role, TeamMember, User, UserSession
from app.accounts.queries.tenants import TenantInfo, get_tenant
from app.accounts.rules import RENEWAL_GRACE, Rights, rights_of_custom, rights_of_role
from app.core import cache
from app.core import db as database
from app.core.errors import NotFound
from app.core.scope import Scope, writable
from app.extensions import db

IDENTITY_KINDS = ("session", "user", "role", "team")
"""A change of any of these is seen at the next request of whoever it is about."""
_TOUCH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person with what decides their rights, as of now.

    `role_id` and `role_name` are of a role of the tenant's own; `custom` is that role's permissions and reach.
    `colleagues` are the ids of all people in the person's teams, and their own.
    """

    user_id: UUID
    name: str
    email: str
    role: str
    disabled: bool
    zone: str | None = None
    locale: str | None = None
    role_name: str | None = None
    custom: Mapping[str, Any] | None = None
    colleagues: tuple[UUID, ...] = ()

    @property
    def rights(self) -> Rights:
        if self.custom is None:
            return rights_of_role(self.role)
        return rights_of_custom(self.custom["permissions"], self.custom["reach"])


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """A living session, and who it belongs to."""

    session_id: UUID
    who: Identity
    expires_at: datetime
    last_seen_at: datetime
    proved_at: datetime
    renew: bool = False
    method: str = "password"
    second_factor: bool = False


def find_identity(
    tenant_id: UUID, token: str, at: datetime, *, used: bool = True, fresh: bool = False
) -> SessionIdentity | None:
    """Whose session this token is of. Cached for at most five minutes, after which it is marked as used.

    With `used=False` it is not: a page asks by itself. With `fresh`, the cache is not asked.
    """
    hashed = token_hash(token)
    bucket = int(at.timestamp() // _TOUCH.total_seconds())

    def read() -> dict[str, Any] | None:
        return _read_session(tenant_id, hashed, at, used=used)

    # Kept apart: an answer made for a page that asks by itself must not keep a person's next request from marking.
    rest = f"identity:{hashed}:{bucket}" if used else f"identity:{hashed}:{bucket}:unattended"
    found = read() if fresh else cache.get_or_make(tenant_id, IDENTITY_KINDS, rest, read)
    if found is None or (found["former_until"] and at >= datetime.fromisoformat(found["former_until"])):
        return None
    return SessionIdentity(
        session_id=UUID(found["session_id"]),
        who=_identity(found["who"]),
        expires_at=datetime.fromisoformat(found["expires_at"]),
        last_seen_at=datetime.fromisoformat(found["last_seen_at"]),
        proved_at=datetime.fromisoformat(found["proved_at"]),
        renew=found["renew"],
        method=found["method"],
        second_factor=found["second_factor"],
    )


def find_person(tenant_id: UUID, user_id: UUID) -> Identity | None:
    """The person's rights as of now, through the cache; None for nobody. Disabled people are found."""
    found = cache.get_or_make(tenant_id, IDENTITY_KINDS, f"person:{user_id}", lambda: _read_person(tenant_id, user_id))
    return None if found is None else _identity(found)


def scope_of(tenant: TenantInfo, who: Identity, at: datetime) -> Scope:
    """What the person may do, where and when."""
    rights = who.rights
    return Scope(
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        tenant_slug=tenant.slug,
        user_id=who.user_id,
        user_name=who.name,
        user_email=who.email,
        role=who.role_name or who.role,
        permissions=rights.permissions,
        reach=rights.reach,
        reach_elsewhere=rights.reach_elsewhere,
        colleagues=frozenset({who.user_id, *who.colleagues}),
        locale=who.locale or tenant.locale,
        zone=who.zone or tenant.zone,
        region=tenant.region,
        currency=tenant.currency,
        now=at,
    )


def system_scope(tenant_id: UUID) -> Scope:
    """The system itself in one tenant, for jobs and commands. Raises NotFound for an unknown tenant."""
    tenant = get_tenant(tenant_id)
    rights = rights_of_role("owner")
    return Scope(
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        tenant_slug=tenant.slug,
        permissions=rights.permissions,
        reach_elsewhere=rights.reach_elsewhere,
        locale=tenant.locale,
        zone=tenant.zone,
        region=tenant.region,
        currency=tenant.currency,
    )


def user_scope(tenant_id: UUID, user_id: UUID, at: datetime) -> Scope:
    """The rights a person holds now, for a job that works in their name. Raises NotFound, also if disabled."""
    tenant = get_tenant(tenant_id)
    found = _read_person(tenant_id, user_id)
    if found is None or found["disabled"]:
        raise NotFound
    return scope_of(tenant, _identity(found), at)


def rights_of(scope: Scope) -> Rights:
    """What the asker holds, for comparing it with what they would give away."""
    return Rights(scope.permissions, scope.reach, scope.reach_elsewhere)


def token_hash(token: str) -> str:
    """Tokens are 256 random bits, so one round of SHA-256 is enough; a stolen table signs nobody in."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _identity(found: Mapping[str, Any]) -> Identity:
    ids = {"user_id": UUID(found["user_id"]), "colleagues": tuple(UUID(one) for one in found["colleagues"])}
    return Identity(**{**found, **ids})


def _read_session(tenant_id: UUID, hashed: str, at: datetime, *, used: bool = True) -> dict[str, Any] | None:
    """Reads the session and, if it is `used` and that is due, marks it so: the one write that a GET makes."""
    with writable():
        session = db.session.scalars(
            select(UserSession).where(UserSession.tenant_id == tenant_id, _named_by(hashed, at))
        ).one_or_none()
        who = _read_person(tenant_id, session.user_id) if session else None
        if session is None or who is None:
            database.rollback()
            return None
        former = session.token_hash != hashed and session.renewed_at is not None
        made = {
            "session_id": str(session.id),
            "who": who,
            "expires_at": session.expires_at.isoformat(),
            "last_seen_at": session.last_seen_at.isoformat(),
            "proved_at": session.proved_at.isoformat(),
            "renew": session.renew and not former,
            "former_until": (session.renewed_at + RENEWAL_GRACE).isoformat() if former and session.renewed_at else "",
            "method": session.method,
            "second_factor": session.second_factor,
        }
        if used and at - session.last_seen_at >= _TOUCH:
            _touch(tenant_id, session.id, at)
        database.commit()
    return made


def _named_by(hashed: str, at: datetime) -> Any:
    """By its token, or for a moment by the one it had before."""
    former = and_(UserSession.previous_hash == hashed, UserSession.renewed_at > at - RENEWAL_GRACE)
    return or_(UserSession.token_hash == hashed, former)


def _read_person(tenant_id: UUID, user_id: UUID) -> dict[str, Any] | None:
    found = db.session.execute(
        select(User, Role)
        .outerjoin(Role, and_(Role.tenant_id == User.tenant_id, Role.id == User.role_id))
        .where(User.tenant_id == tenant_id, User.id == user_id)
    ).one_or_none()
    if found is None:
        return None
    user, role = found
    return {
        "user_id": str(user.id),
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "disabled": user.disabled_at is not None,
        "zone": user.zone,
        "locale": user.locale,
        "role_name": role.name if role else None,
        "custom": {"permissions": role.permissions, "reach": role.reach} if role else None,
        "colleagues": [str(one) for one in _colleagues(tenant_id, user_id)],
    }


def _colleagues(tenant_id: UUID, user_id: UUID) -> list[UUID]:
    """Everyone in a team with this person."""
    mine = select(TeamMember.team_id).where(TeamMember.tenant_id == tenant_id, TeamMember.user_id == user_id)
    theirs = select(TeamMember.user_id).where(TeamMember.tenant_id == tenant_id, TeamMember.team_id.in_(mine))
    return sorted(set(db.session.scalars(theirs)))


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
