"""Who takes tickets, and how tickets belong together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.records.models import KEY
from app.extensions import Base

RELATED, DUPLICATE, SPLIT = LINKS = ("related", "duplicate", "split")


class TicketAgent(TenantRow, Versioned, Base):
    """How somebody takes part in automatic assignment; `id` is the person's. No row: as their role has it.

    `capacity` is theirs in place of the desk's, `turn` counts up whenever they are given a ticket.
    """

    __tablename__ = "ticket_agents"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        CheckConstraint("capacity BETWEEN 1 AND 1000", name="capacity"),
    )

    available: Mapped[bool | None] = mapped_column(Boolean)
    capacity: Mapped[int | None] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(BigInteger, default=0)


class TicketLink(TenantRow, Versioned, Base):
    """Two tickets that belong together; of a `duplicate` or `split` the second is the copy, or what was split off."""

    __tablename__ = "ticket_links"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "other_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "ticket_id", "other_id", "kind"),
        Index("ix_ticket_links_other", "tenant_id", "other_id"),
        CheckConstraint(f"kind IN ({', '.join(map(repr, LINKS))})", name="kind"),
        CheckConstraint("ticket_id <> other_id", name="two"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    other_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(KEY)


class TicketMerge(TenantRow, Versioned, Base):
    """One ticket went into another. `before` is what the merge changed of it, as it was."""

    __tablename__ = "ticket_merges"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "source_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "target_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        Index("ix_ticket_merges_target", "tenant_id", "target_id"),
        Index(
            "uq_ticket_merges_source", "tenant_id", "source_id", unique=True, postgresql_where=text("undone_at IS NULL")
        ),
    )

    source_id: Mapped[UUID] = mapped_column(Uuid)
    target_id: Mapped[UUID] = mapped_column(Uuid)
    by_id: Mapped[UUID | None] = mapped_column(Uuid)
    by_name: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
