"""Mailboxes of a tenant, and every mail that came into them."""

from __future__ import annotations

from datetime import datetime
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
from app.core.secrets import register_sealed
from app.extensions import Base

RECEIVED, TICKETED, THREADED, IGNORED, BOUNCE, HELD, DUPLICATE, FAILED = STATES = (
    "received",
    "ticketed",
    "threaded",
    "ignored",
    "bounce",
    "held",
    "duplicate",
    "failed",
)
IMAP, HTTP = WAYS_IN = ("imap", "http")


class Mailbox(TenantRow, Versioned, Base):
    """An address of the desk, and how its mail gets here: fetched by IMAP, or handed over by HTTP.

    Every mailbox has a secret address (`token_hash`); one of `way` "http" has nothing else. `replies_to` is what
    reply addresses are made of: the address itself, ``@domain`` for a domain whose mail all comes here, or empty
    where only the plain address works. `proved_at`: a mail to the address came in through this mailbox, so that we
    may write in its name. `last_uid`, `uidvalidity` and `waiting` are where the last poll ended; `next_poll_at` is
    also the lease of whoever is polling.
    """

    __tablename__ = "mailboxes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "address"),
        UniqueConstraint("tenant_id", "token_hash"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"], ondelete="SET NULL (team_id)"),
        ForeignKeyConstraint(
            ["tenant_id", "category_id"],
            ["ticket_categories.tenant_id", "ticket_categories.id"],
            ondelete="SET NULL (category_id)",
        ),
        CheckConstraint("way in ('imap', 'http')", name="way"),
        CheckConstraint("tls in ('implicit', 'starttls', 'none')", name="tls"),
        Index("ix_mailboxes_due", "next_poll_at", postgresql_where=text("active AND way = 'imap'")),
    )

    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(KEY)
    from_name: Mapped[str] = mapped_column(Text)
    replies_to: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(KEY)
    host: Mapped[str] = mapped_column(Text, default="")
    port: Mapped[int] = mapped_column(Integer, default=993)
    tls: Mapped[str] = mapped_column(KEY, default="implicit")
    user_name: Mapped[str] = mapped_column(Text, default="")
    password_sealed: Mapped[str | None] = mapped_column(Text)
    folder: Mapped[str] = mapped_column(Text, default="INBOX")
    done_folder: Mapped[str] = mapped_column(Text, default="")
    token_hash: Mapped[str] = mapped_column(KEY)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    category_id: Mapped[UUID | None] = mapped_column(Uuid)
    proved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    waiting: Mapped[list[int]] = mapped_column(JSONB, default=list)
    next_poll_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_polled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str] = mapped_column(Text, default="")
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failures: Mapped[int] = mapped_column(Integer, default=0)
    told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


PASSWORD = register_sealed(Mailbox, "password_sealed")


class ReceivedMail(TenantRow, Base):
    """One mail that came in: first its bytes are kept, then a job makes something of it.

    `key` names it in its mailbox, `fingerprint` by its Message-ID and what it says, however it came: there is one
    row of each that is no `duplicate`. `raw_key` is the stored mail; gone when its time is over. While it is
    `received`, `next_attempt_at` is when it is tried (again), and the lease of whoever is trying. `held`: more mail
    of this sender came than one person writes; somebody has to look.
    """

    __tablename__ = "received_mails"
    __table_args__ = (
        UniqueConstraint("tenant_id", "mailbox_id", "key"),
        Index(
            "uq_received_mails_fingerprint",
            "tenant_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("state <> 'duplicate'"),
        ),
        ForeignKeyConstraint(
            ["tenant_id", "mailbox_id"], ["mailboxes.tenant_id", "mailboxes.id"], ondelete="SET NULL (mailbox_id)"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="SET NULL (ticket_id)"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "message_row_id"],
            ["ticket_messages.tenant_id", "ticket_messages.id"],
            ondelete="SET NULL (message_row_id)",
        ),
        CheckConstraint(f"state in ({', '.join(map(repr, STATES))})", name="state"),
        Index("ix_received_mails_due", "tenant_id", "next_attempt_at", postgresql_where=text("state = 'received'")),
        Index("ix_received_mails_state", "tenant_id", "state", "id"),
        Index("ix_received_mails_sender", "tenant_id", "from_address", "id"),
        Index("ix_received_mails_message_id", "tenant_id", "message_id"),
        Index("ix_received_mails_ticket", "tenant_id", "ticket_id"),
        Index("ix_received_mails_message_row", "tenant_id", "message_row_id"),
    )

    mailbox_id: Mapped[UUID | None] = mapped_column(Uuid)
    way: Mapped[str] = mapped_column(KEY)
    key: Mapped[str] = mapped_column(KEY)
    digest: Mapped[str] = mapped_column(KEY)
    fingerprint: Mapped[str] = mapped_column(KEY)
    message_id: Mapped[str] = mapped_column(KEY)
    from_address: Mapped[str] = mapped_column(KEY, default="")
    from_name: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(BigInteger)
    raw_key: Mapped[str | None] = mapped_column(Text)
    whole: Mapped[bool] = mapped_column(Boolean, default=True)
    state: Mapped[str] = mapped_column(KEY)
    reason: Mapped[str] = mapped_column(Text, default="")
    problems: Mapped[list[str]] = mapped_column(JSONB, default=list)
    blocked_images: Mapped[int] = mapped_column(Integer, default=0)
    stranger: Mapped[bool] = mapped_column(Boolean, default=False)
    ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    message_row_id: Mapped[UUID | None] = mapped_column(Uuid)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
