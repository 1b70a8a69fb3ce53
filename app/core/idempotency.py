"""An answer kept under the key its asker chose, so that a request sent twice has one effect and one answer.

The work, the kept answer and the lock are one transaction. Whoever asks while it runs is told so (409), whoever
asks later gets the same answer, and a process that dies leaves nothing behind: its lock ends with its connection,
after 15 seconds at the latest, when the database ends a transaction that does nothing. A request that was refused
changed nothing, and its key is free again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import new_id
from app.core.db import TenantRow
from app.core.errors import FairleadError, Invalid
from app.core.scope import Scope
from app.extensions import Base, db

KEPT = timedelta(hours=24)
HEADER = "Idempotency-Key"
LONGEST = 255
PATTERN = "[!-~]+"
"""What a key may be, here and in the API's document."""


class IdempotencyKey(TenantRow, Base):
    """What was answered to a request that named this key; one a person and key."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "key", name="uq_idempotency_keys_key"),
        ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_idempotency_keys_user",
            ondelete="CASCADE",
        ),
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix_idempotency_keys_expires_at", "tenant_id", "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    key: Mapped[str] = mapped_column(Text(collation="C"))
    request_hash: Mapped[str] = mapped_column(Text)
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class StillRunning(FairleadError):
    """Another request with this key is being worked on."""

    status = 409
    title = "Still running"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still running. Ask again in a moment.")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given before."""

    status: int
    headers: Mapping[str, str]
    body: str


def begin(scope: Scope, key: str, *request: bytes) -> Kept | None:
    """Takes the key for this transaction; returns the answer if it was given before.

    Args:
        request: what the request was: its method, address and body. The same key with another one is refused.

    Raises:
        StillRunning: the same request is being worked on.
        Invalid: the key is empty, too long, not as the API describes it, or was used for something else.
    """
    if len(key) > LONGEST or not re.fullmatch(PATTERN, key):
        raise Invalid({HEADER: f"The key must have 1 to {LONGEST} letters, digits and signs of ASCII, and no space."})
    mine = f"{scope.tenant_id}:{scope.user_id}:{key}"
    number = int.from_bytes(hashlib.sha256(mine.encode()).digest()[:8], signed=True)
    if not db.session.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
        raise StillRunning
    row = db.session.scalars(_row(scope, key).where(IdempotencyKey.expires_at > scope.now)).one_or_none()
    if row is None:
        return None
    if row.request_hash != _hash(request):
        raise Invalid({HEADER: "This key was used for another request already. Choose a new one."})
    return Kept(row.status, row.headers, row.body)


def keep(scope: Scope, key: str, kept: Kept, *request: bytes) -> None:
    """Keeps the answer, for a day, in the transaction that did the work."""
    # One of a day ago that the job has not removed yet.
    db.session.execute(delete(IdempotencyKey).where(*_same(scope, key)))
    db.session.add(
        IdempotencyKey(
            tenant_id=scope.tenant_id,
            id=new_id(),
            user_id=scope.user_id,
            key=key,
            request_hash=_hash(request),
            status=kept.status,
            headers=dict(kept.headers),
            body=kept.body,
            created_at=scope.now,
            expires_at=scope.now + KEPT,
        )
    )
    db.session.flush()


def purge(scope: Scope, limit: int = 1_000) -> int:
    """Removes keys that have expired, at most `limit`; returns how many there were."""
    old = select(IdempotencyKey.id).where(IdempotencyKey.expires_at <= scope.now).limit(limit)
    gone = db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(old)).returning(IdempotencyKey.id))
    return len(gone.all())


def _row(scope: Scope, key: str) -> Any:
    return select(IdempotencyKey).where(*_same(scope, key))


def _same(scope: Scope, key: str) -> tuple[Any, ...]:
    return IdempotencyKey.user_id == scope.user_id, IdempotencyKey.key == key


def _hash(parts: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()
