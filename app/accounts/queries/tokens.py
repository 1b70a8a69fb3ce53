"""Who a program's token stands for: read at every request of the API, so through the cache; and one's own tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.accounts.models import ApiToken, TokenFamily
from app.accounts.queries.identities import token_hash
from app.core import cache
from app.core import db as database
from app.core.errors import NotFound
from app.core.scope import Scope, writable
from app.extensions import db

FAMILY_KIND, API_TOKEN_KIND = "token_family", "api_token"
# Sign-outs everywhere are told as of sessions (`actions.end_sessions`).
_FAMILY_KINDS = (FAMILY_KIND, "session")
_API_TOKEN_KINDS = (API_TOKEN_KIND, "session")
_TOUCH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A personal token that is good: whose it is, and what it may do if its owner may."""

    token_id: UUID
    user_id: UUID
    scopes: frozenset[str]


def find_api_token(tenant_id: UUID, token: str, at: datetime) -> FoundToken | None:
    """The living personal token of this text. Marked as used at most every five minutes."""
    hashed = token_hash(token)
    bucket = int(at.timestamp() // _TOUCH.total_seconds())
    found = cache.get_or_make(
        tenant_id, _API_TOKEN_KINDS, f"api_token:{hashed}:{bucket}", lambda: _read_api_token(tenant_id, hashed, at)
    )
    if found is None or at >= datetime.fromisoformat(found["expires_at"]):
        return None
    return FoundToken(UUID(found["id"]), UUID(found["user_id"]), frozenset(found["scopes"]))


def find_family(tenant_id: UUID, family_id: UUID, at: datetime) -> UUID | None:
    """Whose sign-in this is, if it goes on: neither signed out, nor revoked, nor at its end."""
    found = cache.get_or_make(
        tenant_id, _FAMILY_KINDS, f"family:{family_id}", lambda: _read_family(tenant_id, family_id)
    )
    if found is None or at >= datetime.fromisoformat(found["expires_at"]):
        return None
    return UUID(found["user_id"])


def list_api_tokens(scope: Scope, user_id: UUID) -> list[ApiToken]:
    """A person's tokens that were not revoked, newest first; those that expired stand there too, as such."""
    return list(
        db.session.scalars(
            select(ApiToken)
            .where(
                ApiToken.tenant_id == scope.tenant_id,
                ApiToken.user_id == user_id,
                ApiToken.revoked_at.is_(None),
            )
            .order_by(ApiToken.id.desc())
        )
    )


def get_api_token(scope: Scope, user_id: UUID, token_id: UUID, *, lock: bool = False) -> ApiToken:
    """A token of this person; one that was revoked is gone. Raises NotFound."""
    query = select(ApiToken).where(
        ApiToken.tenant_id == scope.tenant_id,
        ApiToken.user_id == user_id,
        ApiToken.id == token_id,
        ApiToken.revoked_at.is_(None),
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This token does not exist any more.")
    return found


def _read_api_token(tenant_id: UUID, hashed: str, at: datetime) -> dict[str, Any] | None:
    """Reads the token and, if that is due, marks it as used: the one write that a GET makes."""
    with writable():
        row = db.session.scalars(
            select(ApiToken).where(
                ApiToken.tenant_id == tenant_id, ApiToken.token_hash == hashed, ApiToken.revoked_at.is_(None)
            )
        ).one_or_none()
        if row is None:
            database.rollback()
            return None
        made = {
            "id": str(row.id),
            "user_id": str(row.user_id),
            "scopes": list(row.scopes),
            "expires_at": row.expires_at.isoformat(),
        }
        if row.expires_at > at and (row.last_used_at is None or at - row.last_used_at >= _TOUCH):
            _touch(tenant_id, row.id, at)
        database.commit()
    return made


def _read_family(tenant_id: UUID, family_id: UUID) -> dict[str, Any] | None:
    row = db.session.execute(
        select(TokenFamily.user_id, TokenFamily.expires_at).where(
            TokenFamily.tenant_id == tenant_id, TokenFamily.id == family_id, TokenFamily.revoked_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else {"user_id": str(row.user_id), "expires_at": row.expires_at.isoformat()}


def _touch(tenant_id: UUID, token_id: UUID, at: datetime) -> None:
    """Skips a row that another request with the same token is touching: neither waits for the other."""
    free = (
        select(ApiToken.id)
        .where(ApiToken.tenant_id == tenant_id, ApiToken.id == token_id)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    db.session.execute(
        update(ApiToken)
        .where(ApiToken.tenant_id == tenant_id, ApiToken.id == free)
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )
