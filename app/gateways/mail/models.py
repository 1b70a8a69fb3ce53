"""The mail that was handed to us: PostgreSQL is the queue of record, a job only the doorbell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.core.secrets import register_sealed
from app.extensions import Base

QUEUED, SENT, FAILED, GIVEN_UP = STATUSES = ("queued", "sent", "failed", "given_up")


class OutgoingMail(TenantRow, Base):
    """One message to one person.

    `body_sealed` is the whole message as it goes over the wire: it may carry a secret link, so it is sealed,
    and erased at `erase_at`, a day after the end. `next_attempt_at` is also the lease of whoever is sending it.
    `sender` is the address reports about it go to, if not ours; `enclosures` are files added when it leaves.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint(f"status in ({', '.join(repr(status) for status in STATUSES)})", name="status"),
        Index("ix_outgoing_mails_due", "tenant_id", "next_attempt_at", postgresql_where=text("status = 'queued'")),
        Index("ix_outgoing_mails_erase", "erase_at", postgresql_where=text("erase_at IS NOT NULL")),
        Index("ix_outgoing_mails_created_at", "tenant_id", "created_at"),
    )

    to_name: Mapped[str] = mapped_column(Text)
    to_address: Mapped[str] = mapped_column(Text)
    sender: Mapped[str | None] = mapped_column(Text, sort_order=80)
    enclosures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, sort_order=81)
    subject: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text)
    body_sealed: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text(collation="C"))
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erase_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


BODY = register_sealed(OutgoingMail, "body_sealed")
