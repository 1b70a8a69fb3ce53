"""Sessions: begun in one place however somebody came in, ended in every process at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, update

from app.accounts.actions.devices import Origin, recognise
from app.accounts.events import IdentityConfirmed, SessionEnded, SessionsEnded, SignedIn, SignedOut
from app.accounts.models import Challenge, TokenFamily, User, UserSession
from app.accounts.queries import TenantInfo, find_person, get_session, scope_of, token_hash
from app.core.clock import new_id
from app.core.events import publish, turn_over
from app.core.scope import Scope
from app.extensions import db

PASSWORD, PASSKEY, SINGLE_SIGN_ON = "password", "passkey", "single-sign-on"
SECOND_FACTOR, ENROLMENT = "second-factor", "enrolment"
"""What a sign-in half way waits for (models.Challenge.purpose)."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session: its token, told once, and who it belongs to; `device_token` if the browser is a new one."""

    token: str
    scope: Scope
    device_token: str | None = None


def begin_session(
    tenant: TenantInfo, user: User, origin: Origin, *, at: datetime, method: str = PASSWORD, second_factor: bool = False
) -> SignIn:
    """Starts a session for someone who has proved who they are: always a new token, whatever was there before."""
    who = find_person(tenant.id, user.id)
    assert who is not None
    scope = scope_of(tenant, who, at)
    device_id, device_token = recognise(scope, origin)
    token = secrets.token_urlsafe(32)
    user.last_sign_in_at = at
    row = UserSession(
        tenant_id=tenant.id,
        id=new_id(),
        token_hash=token_hash(token),
        user_id=user.id,
        device_id=device_id,
        method=method,
        second_factor=second_factor,
        created_at=at,
        proved_at=at,
        last_seen_at=at,
        expires_at=at + tenant.policy.lifetime,
        ip=origin.ip,
        user_agent=origin.short_user_agent,
    )
    db.session.add(row)
    db.session.flush()
    # The kind is not "session": nothing cached becomes stale when one more session begins.
    publish(scope, SignedIn("sign_in", row.id, method=method, second_factor=second_factor, ip=origin.ip))
    return SignIn(token, scope, device_token)


def sign_out(scope: Scope, token: str) -> None:
    """Ends the session of this token, in every process at once; also by the one it had a moment ago, which a browser
    that sends two requests together may still send.
    """
    hashed = token_hash(token)
    ended = db.session.execute(
        delete(UserSession)
        .where(
            UserSession.tenant_id == scope.tenant_id,
            UserSession.user_id == scope.user_id,
            or_(UserSession.token_hash == hashed, UserSession.previous_hash == hashed),
        )
        .returning(UserSession.id)
    ).scalar_one_or_none()
    if ended is not None:
        # Of the kind that is cached, so that the dispatcher turns it over should we die before we do.
        publish(scope, SignedOut("session", ended))


def end_session(scope: Scope, session_id: UUID) -> None:
    """Ends one of the asker's own sessions. Raises NotFound, also for another's."""
    db.session.delete(get_session(scope, session_id))
    db.session.flush()
    assert scope.user_id is not None
    publish(scope, SessionEnded("session", session_id, scope.user_id))


def confirm_session(scope: Scope, session_id: UUID, method: str) -> None:
    """The asker proved once more who they are: their session is fresh again, and gets a new token (claim 24)."""
    row = get_session(scope, session_id)
    row.proved_at, row.renew = scope.now, True
    db.session.flush()
    publish(scope, IdentityConfirmed("session", session_id, method))


def end_sessions(scope: Scope, user_id: UUID, *, but: UUID | None = None) -> None:
    """Ends every session of a person and every program's token that came of a sign-in: after a new password, or
    when the account is disabled. `but` is a session to keep: the one that asks.
    """
    mine = (UserSession.tenant_id == scope.tenant_id, UserSession.user_id == user_id)
    kept = (UserSession.id != but,) if but else ()
    db.session.execute(delete(UserSession).where(*mine, *kept))
    # A password that was right before must not become a session afterwards.
    half_way = (Challenge.tenant_id == scope.tenant_id, Challenge.user_id == user_id)
    db.session.execute(delete(Challenge).where(*half_way, Challenge.purpose.in_((SECOND_FACTOR, ENROLMENT))))
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
