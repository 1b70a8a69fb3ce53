"""People, the roles a tenant made for itself, and teams."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.rules import CUSTOM, ROLES
from app.core.db import TenantRow, Versioned
from app.extensions import Base

_ROLES = ", ".join(f"'{role}'" for role in (*ROLES, CUSTOM))


class User(TenantRow, Versioned, Base):
    """A person in one tenant. `email_key` is how the address is compared (see rules.email_key).

    `role` is one of the built-in ones, or `custom` with `role_id`. `zone` and `locale` are the person's own, else
    the tenant's. Someone invited who has not come yet has no password and no `joined_at`.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email_key"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"]),
        Index("ix_users_role_id", "tenant_id", "role_id"),
        CheckConstraint(f"role in ({_ROLES})", name="role"),
        CheckConstraint(f"(role = '{CUSTOM}') = (role_id is not null)", name="custom_role"),
    )

    email: Mapped[str] = mapped_column(Text)
    # Collation C: under row-level security an index is used only for leakproof comparisons (security.md).
    email_key: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    role_id: Mapped[UUID | None] = mapped_column(Uuid)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    zone: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    invited_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    joined_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    email_confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Role(TenantRow, Versioned, Base):
    """A role of the tenant's own: permissions beyond records, and per kind what it may do and how far it reaches.

    `permissions` holds all of them as `resource:action`; `reach` maps a kind to its `sees` and `changes`.
    """

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name_key"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
    )

    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str] = mapped_column(Text, default="")
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    reach: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Team(TenantRow, Versioned, Base):
    """People who see each other's records when their role's reach is `team`."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name_key"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
    )

    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text(collation="C"))


class TeamMember(TenantRow, Base):
    __tablename__ = "team_members"
    __table_args__ = (
        UniqueConstraint("tenant_id", "team_id", "user_id"),
        Index("ix_team_members_user", "tenant_id", "user_id"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
    )

    team_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
