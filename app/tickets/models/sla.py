"""Calendars, policies, what happened to a ticket as its clocks see it, and the clocks.

What was in force stays readable: versions of calendars and policies are never changed, so a history can be told again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
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
from app.tickets.rules.sla import TARGETS

_NAMES = ", ".join(f"'{name}'" for name in TARGETS)
_KINDS = "'policy', 'calendar', 'end'"


class SlaCalendar(TenantRow, Versioned, Base):
    """When somebody works. `number` is the version in force."""

    __tablename__ = "sla_calendars"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index(
            "uq_sla_calendars_name",
            "tenant_id",
            "name_key",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
    )

    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    number: Mapped[int] = mapped_column(Integer)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SlaCalendarVersion(Base):
    """What a calendar said from `created_at` on: rules/definitions.py has the form. Never changed."""

    __tablename__ = "sla_calendar_versions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "calendar_id"], ["sla_calendars.tenant_id", "sla_calendars.id"]),
    )

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    calendar_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    author_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SlaPolicy(TenantRow, Versioned, Base):
    """A promise: the first policy in `position` whose conditions a ticket meets is its own."""

    __tablename__ = "sla_policies"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
    )

    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    is_on: Mapped[bool] = mapped_column(Boolean, default=True)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SlaPolicyVersion(Base):
    """What a policy said from `created_at` on. Never changed."""

    __tablename__ = "sla_policy_versions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "policy_id"], ["sla_policies.tenant_id", "sla_policies.id"]),
        ForeignKeyConstraint(["tenant_id", "calendar_id"], ["sla_calendars.tenant_id", "sla_calendars.id"]),
        Index("ix_sla_policy_versions_calendar", "tenant_id", "calendar_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    calendar_id: Mapped[UUID] = mapped_column(Uuid)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    author_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SlaHappening(Base):
    """One thing that happened to a ticket, as its clocks see it: told from the first to the last, they are exact.

    `what` is one of rules.sla.HANDLERS; `value` carries a status, or which policy and calendar are in force.
    """

    __tablename__ = "sla_history"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
    )

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    what: Mapped[str] = mapped_column(KEY)
    value: Mapped[Any] = mapped_column(JSONB)


class SlaClock(Base):
    """A clock as it stood when it was last written; the history says the same at any instant.

    `next_at` is when something comes to pass by itself (a warning, the breach, an escalation); none while it is paused
    or over. `fired` has what came to pass already, with its instant in microseconds. `decided_at` is when it was
    decided whether the promise was kept.
    """

    __tablename__ = "sla_clocks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        CheckConstraint(f"name IN ({_NAMES})", name="name"),
        Index("ix_sla_clocks_next", "tenant_id", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        # For the one look across tenants.
        Index("ix_sla_clocks_due", "next_at", "tenant_id", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_sla_clocks_decided", "tenant_id", "name", "decided_at", "ticket_id"),
        Index("ix_sla_clocks_policy", "tenant_id", "policy_id", "ticket_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(KEY, primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    policy_id: Mapped[UUID | None] = mapped_column(Uuid)
    target: Mapped[int | None] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    breached_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    met_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used: Mapped[int | None] = mapped_column(BigInteger)
    fired: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    decided_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        Computed("coalesce(breached_at, case when target is not null then met_at end)", persisted=True),
    )


class SlaAlert(TenantRow, Base):
    """Somebody is to hear of a warning, a breach or an escalation; gone once they were told."""

    __tablename__ = "sla_alerts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id", "ticket_id", "name", "ordinal", "what"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(KEY)
    ordinal: Mapped[int] = mapped_column(SmallInteger)
    what: Mapped[str] = mapped_column(KEY)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SlaChange(TenantRow, Base):
    """A change of a policy or calendar on its way to the open tickets it concerns.

    `cursor` is the last ticket that has it. The worker that is at it holds it until `lease_until`.
    """

    __tablename__ = "sla_changes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        Index("ix_sla_changes_subject", "tenant_id", "subject_id", "id"),
        Index("ix_sla_changes_open", "lease_until", "tenant_id", postgresql_where=text("done_at IS NULL")),
    )

    kind: Mapped[str] = mapped_column(KEY)
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    cursor: Mapped[UUID | None] = mapped_column(Uuid)
    author_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
