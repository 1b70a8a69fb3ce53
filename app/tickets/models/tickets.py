"""The table of tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.core.records.models import KEY, Ranked, Record, rank_indexes, record_table_args
from app.extensions import Base
from app.tickets.rules import lifecycle

NO_DUE = 2**62
"""`due_order` of a ticket that is not due: it sorts after all others."""


def one_of(column: str, options: tuple[tuple[str, str, str], ...]) -> CheckConstraint:
    values = ", ".join(f"'{value}'" for value, _, _ in options)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def _working_indexes() -> tuple[Index, ...]:
    """What is still to be worked on, by what is due first: everybody's, each assignee's and team's, and what is late.

    They are small, and the views of the desk are read and counted from them: a team's tickets of all years are many.
    """
    statuses = ", ".join(f"'{value}'" for value in lifecycle.WORKING)
    still = text(f"(deleted_at IS NULL) AND (status IN ({statuses}))")
    return (
        Index("ix_tickets_working_due", "tenant_id", "due_order", "id", postgresql_where=still),
        *(
            Index(f"ix_tickets_working_{name}", "tenant_id", column, "due_order", "id", postgresql_where=still)
            for name, column in (("owner", "owner_id"), ("team", "team_id"), ("sla", "sla_state"))
        ),
    )


class Ticket(Record, Ranked, Base):
    """A request to the service desk. `owner_id` is its assignee.

    `due_at` is the next instant something is due, `due_order` the same in microseconds for sorting (`NO_DUE` if
    nothing is). `last_customer_at` is when the requester wrote something nobody has answered yet.
    `conversation_text` are the words of its messages, folded, once each: they are searched with its own.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        *record_table_args(
            "tickets",
            "updated_at",
            "number",
            "due_order",
            "priority_order",
            filters=("owner_id", "status", "team_id", "category_id", "sla_state"),
        ),
        *rank_indexes("tickets", "status", "priority"),
        *_working_indexes(),
        ForeignKeyConstraint(
            ["tenant_id", "category_id"],
            ["ticket_categories.tenant_id", "ticket_categories.id"],
            name="fk_tickets_category",
        ),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"], name="fk_tickets_team"),
        *(
            ForeignKeyConstraint(
                ["tenant_id", column],
                ["tickets.tenant_id", "tickets.id"],
                name=f"fk_tickets_{name}",
                ondelete=f"SET NULL ({column})",
            )
            for name, column in (("merged", "merged_into_id"), ("follows", "follows_id"))
        ),
        Index("uq_tickets_number", "tenant_id", "number", unique=True),
        Index("ix_tickets_requester", "tenant_id", "requester_key", "id"),
        Index("ix_tickets_merged", "tenant_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        Index("ix_tickets_follows", "tenant_id", "follows_id", postgresql_where=text("follows_id IS NOT NULL")),
        Index("ix_tickets_rated", "tenant_id", "resolved_at", postgresql_where=text("csat IS NOT NULL")),
        one_of("status", lifecycle.STATUSES),
        one_of("priority", lifecycle.PRIORITIES),
        one_of("channel", lifecycle.CHANNELS),
        one_of("sla_state", lifecycle.SLA_STATES),
        one_of("csat", lifecycle.RATINGS),
    )

    number: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(KEY)
    priority: Mapped[str] = mapped_column(KEY)
    priority_order: Mapped[int] = mapped_column(Integer)
    category_id: Mapped[UUID | None] = mapped_column(Uuid)
    requester_name: Mapped[str | None] = mapped_column(Text)
    requester_email: Mapped[str | None] = mapped_column(Text)
    requester_key: Mapped[str] = mapped_column(KEY)
    customer: Mapped[str | None] = mapped_column(Text)
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    channel: Mapped[str] = mapped_column(KEY)
    language: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)
    sla_policy_id: Mapped[UUID | None] = mapped_column(Uuid)
    sla_state: Mapped[str] = mapped_column(KEY, default="none")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    due_order: Mapped[int] = mapped_column(BigInteger, default=NO_DUE)
    first_response_due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_response_due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolution_due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    first_replied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_customer_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    merged_into_id: Mapped[UUID | None] = mapped_column(Uuid)
    follows_id: Mapped[UUID | None] = mapped_column(Uuid)
    csat: Mapped[str | None] = mapped_column(KEY)
    conversation_text: Mapped[str] = mapped_column(Text, default="", deferred=True)

    @declared_attr
    def search(cls) -> Mapped[Any]:
        words = "string_to_array(search_text, ' ') || string_to_array(conversation_text, ' ') || tag_keys"
        return mapped_column(
            TSVECTOR, Computed(f"array_to_tsvector({words})", persisted=True), sort_order=97, deferred=True
        )
