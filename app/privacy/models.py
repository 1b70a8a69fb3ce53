"""Requests about a person's data. The address is sealed, and gone when the work is done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow
from app.core.secrets import register_sealed
from app.extensions import Base

EXPORT, ERASURE = "export", "erasure"
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


class PrivacyRequest(TenantRow, Base):
    """One export or erasure. `counts` is what was found or done, per place: numbers only, so it may be kept.

    `step` is how far it is; a worker holds it until `lease_until`. An export's file goes at `expires_at`.
    """

    __tablename__ = "privacy_requests"
    __table_args__ = (
        CheckConstraint("kind in ('export', 'erasure')", name="kind"),
        CheckConstraint("state in ('waiting', 'running', 'done', 'failed')", name="state"),
    )

    kind: Mapped[str] = mapped_column(Text(collation="C"))
    state: Mapped[str] = mapped_column(Text(collation="C"), default=WAITING)
    step: Mapped[str] = mapped_column(Text, default="")
    address_sealed: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    file_key: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    asked_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


ADDRESS = register_sealed(PrivacyRequest, "address_sealed")


class Erasure(TenantRow, Base):
    """That an erasure was begun: without such a row no event can be blanked. `id` is the request's. Append-only."""

    __tablename__ = "erasures"

    asked_by: Mapped[UUID | None] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
