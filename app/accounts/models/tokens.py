"""What lets a program, or somebody with a mail in hand, come in. Of every token only a hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models.sessions import of_user
from app.core.db import TenantRow
from app.extensions import Base


class TokenFamily(TenantRow, Base):
    """One sign-in of a program: all refresh tokens that followed from it. Ends at `expires_at` in any case."""

    __tablename__ = "token_families"
    __table_args__ = (of_user(), Index("ix_token_families_user", "tenant_id", "user_id"))

    user_id: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_for: Mapped[str | None] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)


class RefreshToken(TenantRow, Base):
    """One link of a family. Used once; using it again revokes the family, but for the immediate predecessor's
    short grace (two answers may cross on the way).
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        ForeignKeyConstraint(
            ["tenant_id", "family_id"], ["token_families.tenant_id", "token_families.id"], ondelete="CASCADE"
        ),
        Index("ix_refresh_tokens_family", "tenant_id", "family_id"),
    )

    family_id: Mapped[UUID] = mapped_column(Uuid)
    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    successor_id: Mapped[UUID | None] = mapped_column(Uuid)


class ApiToken(TenantRow, Base):
    """A personal token for a program. `scopes` are permissions; what counts is what its owner holds as well."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        of_user(),
        Index("ix_api_tokens_user", "tenant_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    hint: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Link(TenantRow, Base):
    """A link in a mail: an invitation, a new password, a confirmed address. Good once, until it expires."""

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        of_user(),
        Index("ix_links_user", "tenant_id", "user_id"),
        Index("ix_links_expires_at", "tenant_id", "expires_at"),
    )

    purpose: Mapped[str] = mapped_column(Text)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
