"""Alerts: what was unusual, and who has seen it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.extensions import Base


class Alert(TenantRow, Base):
    """One cause in one window (`key`, see rules). Holds ids and numbers only: whoever is meant may be erased."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        Index("ix_alerts_unseen", "tenant_id", "id", postgresql_where=text("seen_at IS NULL")),
    )

    key: Mapped[str] = mapped_column(Text(collation="C"))
    rule: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None] = mapped_column(Uuid)
    count: Mapped[int] = mapped_column(Integer)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_by: Mapped[UUID | None] = mapped_column(Uuid)
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
