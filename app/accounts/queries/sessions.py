"""Where a person is signed in, and which browsers are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.accounts.browsers import described
from app.accounts.models import Device, UserSession
from app.accounts.queries.identities import token_hash
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db

MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as its owner sees it."""

    id: UUID
    browser: str
    ip: str | None
    method: str
    second_factor: bool
    created_at: datetime
    last_seen_at: datetime


def list_sessions(scope: Scope) -> list[SessionLine]:
    """The asker's living sessions, the last used first; a hundred at most."""
    rows = db.session.scalars(
        select(UserSession)
        .where(
            UserSession.tenant_id == scope.tenant_id,
            UserSession.user_id == scope.user_id,
            UserSession.expires_at > scope.now,
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        .limit(MOST_SESSIONS)
    )
    return [
        SessionLine(
            row.id,
            described(row.user_agent),
            row.ip,
            row.method,
            row.second_factor,
            row.created_at,
            row.last_seen_at,
        )
        for row in rows
    ]


def get_session(scope: Scope, session_id: UUID) -> UserSession:
    """One of the asker's own sessions, locked. Raises NotFound, also for another's."""
    found = db.session.scalars(
        select(UserSession)
        .where(
            UserSession.tenant_id == scope.tenant_id,
            UserSession.id == session_id,
            UserSession.user_id == scope.user_id,
        )
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound("This session has ended already, or is not yours.")
    return found


def find_device(tenant_id: UUID, user_id: UUID | None, tokens: Iterable[str]) -> Device | None:
    """The known browser of this person among those the request's cookie names.

    Asked for nobody too, so that an unknown address takes as long.
    """
    hashes = [token_hash(token) for token in tokens] or [""]
    return db.session.scalars(
        select(Device)
        .where(Device.tenant_id == tenant_id, Device.token_hash.in_(hashes), Device.user_id == (user_id or tenant_id))
        .order_by(Device.last_seen_at.desc())
        .limit(1)
    ).one_or_none()
