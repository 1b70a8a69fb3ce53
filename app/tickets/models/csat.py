"""What requesters thought of how their tickets were handled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.records.models import KEY
from app.extensions import Base


class TicketRating(TenantRow, Versioned, Base):
    """One time a requester was asked, by the mail `mail_id`, and what they answered; `rating` is None until they do."""

    __tablename__ = "ticket_ratings"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        Index("ix_ticket_ratings_ticket", "tenant_id", "ticket_id", "id"),
        CheckConstraint("rating IN ('good', 'bad')", name="rating"),
        CheckConstraint("length(comment) <= 2000", name="comment_length"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    mail_id: Mapped[UUID] = mapped_column(Uuid)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    rating: Mapped[str | None] = mapped_column(KEY)
    comment: Mapped[str] = mapped_column(Text, default="")
    rated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
