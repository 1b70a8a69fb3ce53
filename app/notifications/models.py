"""What people were told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.extensions import Base


class Notice(TenantRow, Base):
    """One thing one person was told. `key` names the occasion: the same one is told once (claim 6).

    Where it leads is kept as an endpoint and its values, not as an address: addresses change, notices stay.
    `items` are the things of a digest, each `{"subject", "endpoint", "values"}`, `more` how many it does not name.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "key"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index("ix_notices_person", "tenant_id", "user_id", "id"),
        Index("ix_notices_unread", "tenant_id", "user_id", "id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notices_read", "tenant_id", "read_at", postgresql_where=text("read_at IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text(collation="C"))
    key: Mapped[str] = mapped_column(Text(collation="C"))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text, default="")
    endpoint: Mapped[str | None] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    more: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
