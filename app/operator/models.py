"""Operators, their sessions, failed tries and log. No tenant's, and out of the application login's reach."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import new_id
from app.core.secrets import SealedColumn
from app.extensions import Base

_INSTANT = DateTime(timezone=True)


class Operator(Base):
    """Someone who runs the installation. Without `joined_at` they have yet to open their link.

    `last_step` is of the last accepted code, as in `TotpSecret`.
    """

    __tablename__ = "operators"
    __table_args__ = (UniqueConstraint("email_key"), UniqueConstraint("enrol_hash"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    secret_sealed: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    enrol_hash: Mapped[str | None] = mapped_column(Text(collation="C"))
    enrol_until: Mapped[datetime | None] = mapped_column(_INSTANT)
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    joined_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    disabled_at: Mapped[datetime | None] = mapped_column(_INSTANT)


# Not registered for `rotate_shared`: the application's login cannot read it. actions.people.seal_again does it.
SECRET = SealedColumn(Operator, "secret_sealed")


class OperatorSession(Base):
    __tablename__ = "operator_sessions"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_operator_sessions_operator_id", "operator_id"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    operator_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("operators.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    last_seen_at: Mapped[datetime] = mapped_column(_INSTANT)
    expires_at: Mapped[datetime] = mapped_column(_INSTANT)
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)


class OperatorGuard(Base):
    """Failed tries for one address from one place, whether or not there is such an operator (as SignInGuard)."""

    __tablename__ = "operator_guards"

    account_key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    source: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    rounds: Mapped[int] = mapped_column(Integer, default=0)
    last_failed_at: Mapped[datetime] = mapped_column(_INSTANT)
    locked_until: Mapped[datetime | None] = mapped_column(_INSTANT)


class OperatorEvent(Base):
    """What an operator did, to which tenant or operator. Rows are added and read, never changed."""

    __tablename__ = "operator_events"
    __table_args__ = (Index("ix_operator_events_about_id", "about_id", "id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(_INSTANT)
    type: Mapped[str] = mapped_column(Text)
    operator_id: Mapped[UUID | None] = mapped_column(Uuid)
    operator_name: Mapped[str] = mapped_column(Text)
    about_id: Mapped[UUID | None] = mapped_column(Uuid)
    about_name: Mapped[str] = mapped_column(Text, default="")
    ip: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
