"""Creating tenants and people, signing in and out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts.events import SessionsEnded, SignedIn, SignedOut, UserCreated
from app.accounts.models import TenantRecord, User, UserSession
from app.accounts.queries import Identity, TenantInfo, find_user_by_email, scope_of, token_hash
from app.accounts.rules import PASSWORD_MAX, PASSWORD_MIN, ROLES, email_key, is_slug
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

REFUSED = "This e-mail address and password do not fit together."


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session: its token, told once, and who it belongs to."""

    token: str
    scope: Scope


def create_tenant(
    session: Session,
    *,
    slug: str,
    name: str,
    at: datetime,
    zone: str = "UTC",
    locale: str = "en",
    region: str = "US",
    currency: str = "USD",
) -> UUID:
    """Adds a tenant in the migrator's `session`: the app role may only read tenants.

    Raises:
        Invalid: the slug cannot stand in an address, or the zone is unknown.
    """
    if not is_slug(slug):
        raise Invalid({"slug": "Use small letters, digits and hyphens, up to 63."})
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise Invalid({"zone": f"There is no time zone {zone}."}) from unknown
    row = TenantRecord(
        id=new_id(),
        slug=slug,
        name=name.strip() or slug,
        zone=zone,
        locale=locale,
        region=region,
        currency=currency,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def create_user(scope: Scope, *, email: str, name: str, role: str, password: str) -> UUID:
    """Adds a person to the tenant.

    Raises:
        Invalid: role or password are not acceptable.
        Conflict: somebody in this tenant has the address already.
    """
    if role not in ROLES:
        raise Invalid({"role": f"Choose one of {', '.join(ROLES)}."})
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Invalid({"password": f"Use {PASSWORD_MIN} to {PASSWORD_MAX} characters."})
    if find_user_by_email(email) is not None:
        raise Conflict("Somebody with this e-mail address is already here.")
    row = User(
        tenant_id=scope.tenant_id,
        id=new_id(),
        email=email.strip(),
        email_key=email_key(email),
        name=name.strip() or email,
        role=role,
        password_hash=passwords.hash_password(password),
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, UserCreated("user", row.id, role))
    return row.id


def sign_in(
    tenant: TenantInfo,
    *,
    email: str,
    password: str,
    at: datetime,
    lifetime: timedelta,
    ip: str | None = None,
    user_agent: str | None = None,
) -> SignIn:
    """Starts a session. Unknown address, wrong password and disabled account are answered alike.

    Raises:
        Invalid: they do not fit together.
    """
    user = find_user_by_email(email)
    usable = user is not None and user.disabled_at is None
    fits = passwords.verify(user.password_hash if user is not None and usable else None, password[:PASSWORD_MAX])
    if user is None or not fits:
        raise Invalid({"": REFUSED})
    if user.password_hash and passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    token = secrets.token_urlsafe(32)
    row = UserSession(
        tenant_id=tenant.id,
        id=new_id(),
        token_hash=token_hash(token),
        user_id=user.id,
        created_at=at,
        last_seen_at=at,
        expires_at=at + lifetime,
        ip=ip,
        user_agent=(user_agent or "")[:300] or None,
    )
    db.session.add(row)
    db.session.flush()
    identity = Identity(row.id, user.id, user.name, user.email, user.role, False, row.expires_at, at)
    scope = scope_of(tenant, identity, at)
    # The kind is not "session": nothing cached becomes stale when one more session begins.
    publish(scope, SignedIn("sign_in", row.id))
    return SignIn(token, scope)


def sign_out(scope: Scope, token: str) -> None:
    """Ends the session of this token, in every process at once."""
    ended = db.session.execute(
        delete(UserSession)
        .where(UserSession.tenant_id == scope.tenant_id, UserSession.token_hash == token_hash(token))
        .returning(UserSession.id)
    ).scalar_one_or_none()
    if ended is not None:
        # Of the kind that is cached, so that the dispatcher turns it over should we die before we do.
        publish(scope, SignedOut("session", ended))


def end_sessions(scope: Scope, user_id: UUID) -> None:
    """Ends every session of a person: after a new password, or when the account is disabled."""
    db.session.execute(
        delete(UserSession).where(UserSession.tenant_id == scope.tenant_id, UserSession.user_id == user_id)
    )
    publish(scope, SessionsEnded("session", user_id))
