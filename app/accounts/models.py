"""Tenants, users and their sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.rules import ROLES
from app.core.clock import new_id
from app.core.db import TenantRow, Versioned
from app.extensions import Base


class TenantRecord(Base):
    """An organisation. The one table of accounts that all tenants' transactions can read."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    suspended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class User(TenantRow, Versioned, Base):
    """A person in one tenant. `email_key` is how the address is compared (see rules.email_key)."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email_key"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        CheckConstraint("role in ({})".format(", ".join(f"'{role}'" for role in ROLES)), name="role"),
    )

    email: Mapped[str] = mapped_column(Text)
    # Collation C: under row-level security an index is used only for leakproof comparisons (security.md).
    email_key: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UserSession(TenantRow, Base):
    """One browser that is signed in. Only the hash of its token is stored."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index("ix_user_sessions_user", "tenant_id", "user_id"),
    )

    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    user_id: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
