"""Sessions: begun in one place however somebody came in, ended in every process at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update

from app.accounts.events import SessionsEnded, SignedIn, SignedOut
from app.accounts.models import TokenFamily, User, UserSession
from app.accounts.queries import TenantInfo, find_person, scope_of, token_hash
from app.core.clock import new_id
from app.core.events import publish, turn_over
from app.core.scope import Scope
from app.extensions import db

PASSWORD, PASSKEY, SINGLE_SIGN_ON = "password", "passkey", "single-sign-on"
_MOST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session: its token, told once, and who it belongs to."""

    token: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the lists of sessions and devices; `device_id` is a known browser."""

    ip: str | None = None
    user_agent: str | None = None
    device_id: UUID | None = None


def begin_session(
    tenant: TenantInfo, user: User, origin: Origin, *, at: datetime, method: str = PASSWORD, second_factor: bool = False
) -> SignIn:
    """Starts a session for someone who has proved who they are: always a new token, whatever was there before."""
    token = secrets.token_urlsafe(32)
    user.last_sign_in_at = at
    row = UserSession(
        tenant_id=tenant.id,
        id=new_id(),
        token_hash=token_hash(token),
        user_id=user.id,
        device_id=origin.device_id,
        method=method,
        second_factor=second_factor,
        created_at=at,
        last_seen_at=at,
        expires_at=at + tenant.policy.lifetime,
        ip=origin.ip,
        user_agent=(origin.user_agent or "")[:_MOST_USER_AGENT] or None,
    )
    db.session.add(row)
    db.session.flush()
    who = find_person(tenant.id, user.id)
    assert who is not None
    scope = scope_of(tenant, who, at)
    # The kind is not "session": nothing cached becomes stale when one more session begins.
    publish(scope, SignedIn("sign_in", row.id, method=method, second_factor=second_factor, ip=origin.ip))
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


def end_sessions(scope: Scope, user_id: UUID, *, but: UUID | None = None) -> None:
    """Ends every session of a person and every program's token that came of a sign-in: after a new password, or
    when the account is disabled. `but` is a session to keep: the one that asks.
    """
    mine = (UserSession.tenant_id == scope.tenant_id, UserSession.user_id == user_id)
    kept = (UserSession.id != but,) if but else ()
    db.session.execute(delete(UserSession).where(*mine, *kept))
    db.session.execute(
        update(TokenFamily)
        .where(
            TokenFamily.tenant_id == scope.tenant_id,
            TokenFamily.user_id == user_id,
            TokenFamily.revoked_at.is_(None),
        )
        .values(revoked_at=scope.now, revoked_for="sessions ended")
        .execution_options(synchronize_session=False)
    )
    publish(scope, SessionsEnded("session", user_id))


def ask_renewal(scope: Scope, user_id: UUID) -> None:
    """The person's rights changed: each of their sessions gets a new token at its next request."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.tenant_id == scope.tenant_id, UserSession.user_id == user_id)
        .values(renew=True)
        .execution_options(synchronize_session=False)
    )
    turn_over(scope.tenant_id, "session")


def renew_session(tenant_id: UUID, session_id: UUID, at: datetime) -> str | None:
    """Gives the session its new token, if that was asked for and no other request was faster; else None."""
    token = secrets.token_urlsafe(32)
    renewed = db.session.execute(
        update(UserSession)
        .where(UserSession.tenant_id == tenant_id, UserSession.id == session_id, UserSession.renew)
        .values(
            token_hash=token_hash(token),
            previous_hash=UserSession.token_hash,
            renewed_at=at,
            renew=False,
        )
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    turn_over(tenant_id, "session")
    return token if renewed is not None else None
