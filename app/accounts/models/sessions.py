"""Who is signed in where, who is being asked for more, and who tried too often. Of every token only a hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.extensions import Base


def of_user() -> ForeignKeyConstraint:
    """Goes when the person goes."""
    return ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE")


class UserSession(TenantRow, Base):
    """One browser that is signed in.

    `renew` asks the gate to give it a new token at its next request, because the person's rights changed; the
    token before goes on for a moment (`previous_hash`, `renewed_at`), for requests that were under way.
    `method` is how the person proved who they are: password, passkey, single-sign-on; `proved_at` when they last
    did, which who changes how they sign in must have done lately.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        of_user(),
        Index("ix_user_sessions_user", "tenant_id", "user_id"),
        Index("ix_user_sessions_previous", "tenant_id", "previous_hash"),
    )

    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    previous_hash: Mapped[str | None] = mapped_column(Text(collation="C"))
    renewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    renew: Mapped[bool] = mapped_column(Boolean, default=False)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    device_id: Mapped[UUID | None] = mapped_column(Uuid)
    method: Mapped[str] = mapped_column(Text, default="password")
    second_factor: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    proved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)


class Device(TenantRow, Base):
    """A browser a person has signed in from before, known by a cookie of its own that outlives sessions.

    Guesses from elsewhere cannot lock its owner out of it, and a sign-in without it is from a new device.
    """

    __tablename__ = "devices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        of_user(),
        Index("ix_devices_user", "tenant_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    first_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)


class SignInGuard(TenantRow, Base):
    """Failed tries for one account from one source, whether or not there is such an account.

    `account_key` is a keyed hash of the address as it is compared; `source` is an IP address, a known device,
    or `*` for all of them together. `rounds` counts how often it was locked: each lock lasts longer.
    """

    __tablename__ = "sign_in_guards"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account_key", "source"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix_sign_in_guards_last_failed_at", "tenant_id", "last_failed_at"),
    )

    account_key: Mapped[str] = mapped_column(Text(collation="C"))
    source: Mapped[str] = mapped_column(Text(collation="C"))
    failures: Mapped[int] = mapped_column(Integer, default=0)
    rounds: Mapped[int] = mapped_column(Integer, default=0)
    last_failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Challenge(TenantRow, Base):
    """Something we wait for from a browser or program: a second factor, a passkey's answer, an enrolment,
    the return from single sign-on. Named by a token, short-lived, answered once.
    """

    __tablename__ = "challenges"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        of_user(),
        Index("ix_challenges_expires_at", "tenant_id", "expires_at"),
        Index("ix_challenges_user", "tenant_id", "user_id"),
    )

    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    purpose: Mapped[str] = mapped_column(Text)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
