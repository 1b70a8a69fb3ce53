"""Programs that signed in: an access token for a quarter of an hour, and a refresh token that is good once.

All refresh tokens that follow from one sign-in are a family. Using one makes its successor; using it again means
that somebody has a copy, and ends the family (RFC 9700, 4.14.2; ADR 23).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select

from app.accounts import access_tokens
from app.accounts.actions.devices import Origin
from app.accounts.events import FamilyRevoked, RefreshTokenReused, SignedIn
from app.accounts.models import RefreshToken, TokenFamily, User
from app.accounts.queries import FAMILY_KIND, TenantInfo, find_person, scope_of, token_hash
from app.accounts.rules import (
    FAMILY_LIFETIME,
    REFRESH,
    REFRESH_GRACE,
    REFRESH_LIFETIME,
    new_token,
    tenant_of_token,
    write_token,
)
from app.core import db as database
from app.core import secrets
from app.core.clock import new_id
from app.core.errors import Unauthenticated
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail

_OVER = "This refresh token is unknown, was used before, or has expired. Sign in again."
_PURPOSE = "refresh tokens"
_MOST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a program gets, told once."""

    access: str
    refresh: str
    refresh_expires_at: datetime
    scope: Scope


def begin_family(
    tenant: TenantInfo, user: User, origin: Origin, *, at: datetime, second_factor: bool = False
) -> Tokens:
    """Signs a program in, for someone who has proved who they are. No browser session comes of it."""
    user.last_sign_in_at = at
    family = TokenFamily(
        tenant_id=tenant.id,
        id=new_id(),
        user_id=user.id,
        created_at=at,
        last_used_at=at,
        expires_at=at + FAMILY_LIFETIME,
        ip=origin.ip,
        user_agent=(origin.user_agent or "")[:_MOST_USER_AGENT] or None,
    )
    db.session.add(family)
    db.session.flush()
    text = new_token(REFRESH, tenant.id)
    row = _add(family, text, at)
    scope = _scope(tenant, family, at)
    publish(scope, SignedIn("sign_in", family.id, method="api", second_factor=second_factor, ip=origin.ip))
    return _tokens(scope, family, text, row.expires_at)


def refresh_family(tenant: TenantInfo, token: str, origin: Origin, *, at: datetime) -> Tokens:
    """A new access token, and the refresh token that follows this one.

    The family is locked, so of requests at the same time one makes the successor. For `REFRESH_GRACE` the others,
    and a program whose answer was lost, are told the very same successor; there are never two lines of descent.

    Raises:
        Unauthenticated: it is none of ours, or over. If it was used before, the family is over now too: this is
            committed here, because the answer is a refusal.
    """
    row = _find(tenant.id, token)
    family = _lock(tenant.id, row.family_id) if row else None
    if row is None or family is None or family.revoked_at is not None or at >= family.expires_at:
        raise Unauthenticated(_OVER)
    db.session.refresh(row)
    if at >= row.expires_at and row.used_at is None:
        raise Unauthenticated(_OVER)
    scope = _scope(tenant, family, at)
    if row.used_at is None:
        text = _successor(row, token, secrets.current_key_id())
        following = _add(family, text, at)
        row.used_at, row.successor_id = at, following.id
        family.last_used_at = at
        db.session.flush()
        return _tokens(scope, family, text, following.expires_at)
    told = _again(row, token, at)
    if told is None:
        _end_stolen(scope, family, origin)
        raise Unauthenticated(_OVER)
    return _tokens(scope, family, *told)


def revoke_family(scope: Scope, family_id: UUID) -> None:
    """Signs one program of the asker's out: its access token opens nothing from the next request on."""
    family = _lock(scope.tenant_id, family_id)
    if family is None or family.user_id != scope.user_id or family.revoked_at is not None:
        return
    family.revoked_at, family.revoked_for = scope.now, "signed out"
    publish(scope, FamilyRevoked(FAMILY_KIND, family.id, family.user_id))


def purge_families(tenant_id: UUID, at: datetime) -> int:
    """Removes sign-ins that reached their end a lifetime ago, with their tokens; returns how many."""
    gone = db.session.execute(
        delete(TokenFamily)
        .where(TokenFamily.tenant_id == tenant_id, TokenFamily.expires_at <= at - FAMILY_LIFETIME)
        .returning(TokenFamily.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _find(tenant_id: UUID, token: str) -> RefreshToken | None:
    if tenant_of_token(token, REFRESH) != tenant_id:
        return None
    return db.session.scalars(
        select(RefreshToken).where(RefreshToken.tenant_id == tenant_id, RefreshToken.token_hash == token_hash(token))
    ).one_or_none()


def _lock(tenant_id: UUID, family_id: UUID) -> TokenFamily | None:
    return db.session.scalars(
        select(TokenFamily)
        .where(TokenFamily.tenant_id == tenant_id, TokenFamily.id == family_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _scope(tenant: TenantInfo, family: TokenFamily, at: datetime) -> Scope:
    """Raises Unauthenticated: the person is disabled."""
    who = find_person(tenant.id, family.user_id)
    if who is None or who.disabled:
        raise Unauthenticated(_OVER)
    return scope_of(tenant, who, at)


def _add(family: TokenFamily, text: str, at: datetime) -> RefreshToken:
    row = RefreshToken(
        tenant_id=family.tenant_id,
        id=new_id(),
        family_id=family.id,
        token_hash=token_hash(text),
        created_at=at,
        expires_at=min(at + REFRESH_LIFETIME, family.expires_at),
    )
    db.session.add(row)
    db.session.flush()
    return row


def _successor(row: RefreshToken, token: str, kid: str) -> str:
    """The token that follows: made from this one by a key of ours, so that it can be told again without being kept."""
    key = secrets.derive_for(kid, _PURPOSE)
    return write_token(REFRESH, row.tenant_id, hmac.digest(key, row.id.bytes + token.encode(), hashlib.sha256))


def _again(row: RefreshToken, token: str, at: datetime) -> tuple[str, datetime] | None:
    """The successor that was told before, if it still waits to be used and the grace is not over."""
    assert row.used_at is not None
    following = db.session.get(RefreshToken, (row.tenant_id, row.successor_id), populate_existing=True)
    if following is None or following.used_at is not None or at >= row.used_at + REFRESH_GRACE:
        return None
    told = (_successor(row, token, kid) for kid in secrets.key_ids())
    text = next((text for text in told if token_hash(text) == following.token_hash), None)
    return None if text is None else (text, following.expires_at)


def _end_stolen(scope: Scope, family: TokenFamily, origin: Origin) -> None:
    family.revoked_at, family.revoked_for = scope.now, "a refresh token was used twice"
    agent = (origin.user_agent or "")[:_MOST_USER_AGENT] or None
    publish(scope, RefreshTokenReused(FAMILY_KIND, family.id, family.user_id, origin.ip, agent))
    facts = {"at": scope.now, "ip": origin.ip, "user_agent": agent, "begun": family.created_at}
    to = Recipient(scope.user_name, scope.user_email)
    send_mail(scope, to=to, template="accounts/token_reused", context=facts, key=f"token-reused:{family.id}")
    database.commit()


def _tokens(scope: Scope, family: TokenFamily, refresh: str, until: datetime) -> Tokens:
    access = access_tokens.issue(scope.tenant_id, family.user_id, family.id, scope.now)
    return Tokens(access, refresh, until, scope)
