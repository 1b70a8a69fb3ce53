"""What people keep for conversations: drafts, and replies that are written once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.records.models import KEY
from app.extensions import Base

DRAFT_KINDS = ("reply", "note")
OWN, TEAM, ALL = VISIBILITIES = ("own", "team", "all")


class TicketDraft(TenantRow, Versioned, Base):
    """What somebody writes on a ticket, before it is sent: one a person and ticket, on whatever device.

    `message_id` is the reply it has become while that can still be taken back: then the draft is the way back. `cc`
    is as typed; `then_status` is what the ticket becomes when the reply leaves.
    """

    __tablename__ = "ticket_drafts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["ticket_messages.tenant_id", "ticket_messages.id"], ondelete="CASCADE"
        ),
        Index(
            "uq_ticket_drafts_person",
            "tenant_id",
            "ticket_id",
            "user_id",
            unique=True,
            postgresql_where=text("message_id IS NULL"),
        ),
        Index("ix_ticket_drafts_message", "tenant_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
        Index("ix_ticket_drafts_updated_at", "tenant_id", "updated_at"),
        CheckConstraint("kind IN ('reply', 'note')", name="kind"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(KEY)
    body: Mapped[str] = mapped_column(Text)
    cc: Mapped[str] = mapped_column(Text, default="")
    then_status: Mapped[str | None] = mapped_column(KEY)
    message_id: Mapped[UUID | None] = mapped_column(Uuid)


class CannedReply(TenantRow, Versioned, Base):
    """A text for replies, with variables such as {{requester_name}}: one's own, a team's, or everybody's."""

    __tablename__ = "canned_replies"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"], ondelete="CASCADE"),
        Index("ix_canned_replies_title_key", "tenant_id", "title_key", "id"),
        CheckConstraint("length(title) BETWEEN 1 AND 80", name="title_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 10000", name="body_length"),
        CheckConstraint("visibility IN ('own', 'team', 'all')", name="visibility"),
        CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),
    )

    owner_id: Mapped[UUID | None] = mapped_column(Uuid)
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    visibility: Mapped[str] = mapped_column(KEY)
    title: Mapped[str] = mapped_column(Text)
    title_key: Mapped[str] = mapped_column(KEY)
    category: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text)
    uses: Mapped[int] = mapped_column(Integer, default=0)
