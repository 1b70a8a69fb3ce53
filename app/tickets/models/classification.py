"""Trained classifiers, and what one suggested for a ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.core.records.models import KEY
from app.extensions import Base

WAITING, TRAINING, READY, FAILED, NOT_ENOUGH = VERSION_STATES = (
    "waiting",
    "training",
    "ready",
    "failed",
    "not_enough",
)
BUSY = (WAITING, TRAINING)
ACCEPTED, CHANGED, UNDONE = OUTCOMES = ("accepted", "changed", "undone")


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(map(repr, values))


class ClassifierVersion(TenantRow, Base):
    """One training of the tenant's own classifier for one field, and the model it made.

    The `active` one answers. `content` is the model (`classifier.model.to_bytes`), gone for versions long replaced;
    `checksum` says what it must be. While it trains a worker holds it until `lease_until`; `done` counts the tickets
    read so far. `report` is `classifier.measuring.Report`.
    """

    __tablename__ = "classifiers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "field", "number"),
        CheckConstraint("field IN ('category', 'priority')", name="field"),
        CheckConstraint(f"state IN ({_listed(VERSION_STATES)})", name="state"),
        CheckConstraint("NOT active OR state = 'ready'", name="active_is_ready"),
        Index("uq_classifiers_active", "tenant_id", "field", unique=True, postgresql_where=text("active")),
        Index(
            "uq_classifiers_busy",
            "tenant_id",
            "field",
            unique=True,
            postgresql_where=text(f"state IN ({_listed(BUSY)})"),
        ),
        Index("ix_classifiers_lease", "lease_until", postgresql_where=text(f"state IN ({_listed(BUSY)})")),
    )

    field: Mapped[str] = mapped_column(KEY)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(KEY, default=WAITING)
    active: Mapped[bool] = mapped_column(Boolean, default=False)
    step: Mapped[str] = mapped_column(Text, default="")
    done: Mapped[int] = mapped_column(Integer, default=0)
    worker: Mapped[UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    asked_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    trained_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    examples: Mapped[int] = mapped_column(Integer, default=0)
    labels: Mapped[int] = mapped_column(Integer, default=0)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB, deferred=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    checksum: Mapped[str] = mapped_column(Text, default="")
    problem: Mapped[str] = mapped_column(Text, default="")


class Classification(TenantRow, Base):
    """What a classifier made of one field of a ticket, and what a person made of that.

    `label` is a category's id or a priority; None where it knew nothing. `abstained`: it was less sure than the
    tenant's threshold then. `applied`: it was written into the ticket, where nobody had chosen anything. A person
    `accepted` it, `changed` the field to `final_label`, or took it back (`undone`); `decided_at` is when.
    """

    __tablename__ = "classifications"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "ticket_id", "field"),
        CheckConstraint("field IN ('category', 'priority')", name="field"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        CheckConstraint(f"outcome IN ({_listed(OUTCOMES)})", name="outcome"),
        CheckConstraint("NOT applied OR NOT abstained", name="applied_when_sure"),
    )

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    field: Mapped[str] = mapped_column(KEY)
    provider: Mapped[str] = mapped_column(KEY)
    model: Mapped[str] = mapped_column(Text)
    label: Mapped[str | None] = mapped_column(KEY)
    confidence: Mapped[float] = mapped_column(Float)
    reasoning: Mapped[str] = mapped_column(Text)
    abstained: Mapped[bool] = mapped_column(Boolean)
    applied: Mapped[bool] = mapped_column(Boolean)
    outcome: Mapped[str | None] = mapped_column(KEY)
    final_label: Mapped[str | None] = mapped_column(KEY)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
