"""What we wait for from a browser or program: a second factor, a passkey's answer, the way back from elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.accounts.models import Challenge
from app.accounts.queries import token_hash
from app.core.clock import new_id
from app.extensions import db

LIFETIME = timedelta(minutes=10)


def begin_challenge(
    tenant_id: UUID,
    purpose: str,
    at: datetime,
    *,
    user_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Remembers what is waited for; returns the token that names it, told to that browser or program only."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        Challenge(
            tenant_id=tenant_id,
            id=new_id(),
            token_hash=token_hash(token),
            purpose=purpose,
            user_id=user_id,
            data=dict(data or {}),
            created_at=at,
            expires_at=at + lifetime,
        )
    )
    db.session.flush()
    return token


def find_challenge(tenant_id: UUID, purpose: str, token: str, at: datetime, *, lock: bool = False) -> Challenge | None:
    """What this token names, if it is for this purpose and still waited for. `lock` before answering it."""
    query = select(Challenge).where(
        Challenge.tenant_id == tenant_id,
        Challenge.token_hash == token_hash(token),
        Challenge.purpose == purpose,
        Challenge.expires_at > at,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one_or_none()


def end_challenge(challenge: Challenge) -> None:
    """It is answered, or given up: its token names nothing any more."""
    db.session.delete(challenge)
    db.session.flush()


def purge_challenges(tenant_id: UUID, at: datetime) -> int:
    """Removes what nobody answered in time; returns how many."""
    gone = db.session.execute(
        delete(Challenge).where(Challenge.tenant_id == tenant_id, Challenge.expires_at <= at).returning(Challenge.id)
    )
    return len(gone.all())
