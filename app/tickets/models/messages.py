"""What was said about a ticket, and the files that came with it."""

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

OPENING, CUSTOMER, REPLY, NOTE = KINDS = ("opening", "customer", "reply", "note")
HELD, QUEUED, SENT, FAILED, BOUNCED, WITHDRAWN, RECEIVED = STATES = (
    "held",
    "queued",
    "sent",
    "failed",
    "bounced",
    "withdrawn",
    "received",
)


class TicketMessage(TenantRow, Versioned, Base):
    """One message of a ticket's conversation.

    `opening` is the mail a ticket came with, `customer` anything its requester or a stranger wrote later, `reply` what
    an agent wrote to the requester, `note` what stays inside. A reply is `held` until `send_at`, then `queued` for
    the mail server; `withdrawn` by its author within that time it was never said. `body` is markdown, or the plain
    text of a mail, without what it quotes; `body_html` is sanitised. `key` makes a form sent twice one message.
    """

    __tablename__ = "ticket_messages"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "message_id"),
        UniqueConstraint("tenant_id", "key"),
        Index("ix_ticket_messages_ticket", "tenant_id", "ticket_id", "id"),
        Index("ix_ticket_messages_due", "tenant_id", "send_at", postgresql_where=text("state = 'held'")),
        Index("ix_ticket_messages_author", "tenant_id", "author_id", "id"),
        CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name="kind"),
        CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="state"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(KEY)
    author_id: Mapped[UUID | None] = mapped_column(Uuid)
    author_name: Mapped[str] = mapped_column(Text)
    author_email: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str | None] = mapped_column(Text)
    quoted_text: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(KEY)
    recipients: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(KEY)
    state_reason: Mapped[str | None] = mapped_column(Text)
    send_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    message_id: Mapped[str | None] = mapped_column(KEY)
    in_reply_to: Mapped[str | None] = mapped_column(KEY)
    automatic: Mapped[bool] = mapped_column(Boolean, default=False)
    key: Mapped[str | None] = mapped_column(KEY)


class TicketFile(TenantRow, Versioned, Base):
    """A file of a ticket; without `message_id` it waits in a draft. `key` is what `gateways.files` knows it by."""

    __tablename__ = "ticket_files"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["ticket_messages.tenant_id", "ticket_messages.id"], ondelete="CASCADE"
        ),
        Index("ix_ticket_files_ticket", "tenant_id", "ticket_id", "id"),
        Index("ix_ticket_files_message", "tenant_id", "message_id", "id"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    message_id: Mapped[UUID | None] = mapped_column(Uuid)
    uploaded_by: Mapped[UUID | None] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    content_id: Mapped[str | None] = mapped_column(Text)
    inline: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=False)
