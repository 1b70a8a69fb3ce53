"""How a tenant's desk is set up: its settings and its categories."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.records.models import KEY
from app.extensions import Base


class DeskRow(TenantRow, Versioned, Base):
    """One row a tenant: what differs from the defaults of `rules.settings.DeskSettings`."""

    __tablename__ = "desk_settings"
    __table_args__ = (Index("uq_desk_settings_tenant", "tenant_id", unique=True),)

    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)


class TicketCategory(TenantRow, Versioned, Base):
    """What tickets are about. One that is archived keeps its tickets and is offered no more."""

    __tablename__ = "ticket_categories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name_key"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
    )

    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    description: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[int] = mapped_column(Integer, default=0)
    archived: Mapped[bool] = mapped_column(Boolean, default=False)
