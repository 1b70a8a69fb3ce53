"""The event log: what happened, to what, by whom, when. Written once, in the transaction that did it.

From it come a record's timeline, the audit trail, cache turnover and everything a subscriber does later.
The app role may insert and read events, never change or delete them; each carries a seal (`core.seals`) and gets
its place in a chain (`core.chain`), so that whoever changes one all the same is found out. Which events still wait
for the dispatcher stands in `outbox`, who has handled what in `event_deliveries`, so the log itself is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core import cache, queue
from app.core.clock import new_id
from app.core.db import TenantRow, after_commit
from app.core.live import telling
from app.core.scope import Scope
from app.core.seals import seal_columns
from app.extensions import Base, db


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every event. `kind` and `subject_id` name the record; further fields become `data`."""

    verb: ClassVar[str] = "happened"
    kind: str
    subject_id: UUID

    @property
    def type(self) -> str:
        return f"{self.kind}.{self.verb}"

    def data(self) -> dict[str, Any]:
        return {name: jsonable(value) for name, value in asdict(self).items() if name not in {"kind", "subject_id"}}


class EventRow(TenantRow, Base):
    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_subject", "tenant_id", "subject_id", "id"),
        Index("ix_events_actor", "tenant_id", "actor_id", "id"),
        Index("ix_events_type", "tenant_id", "type", "id"),
        Index("ix_events_kind", "tenant_id", "subject_kind", "id"),
    )

    type: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    actor_name: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    seal_key: Mapped[str] = mapped_column(Text, deferred=True)


class OutboxRow(TenantRow, Base):
    """An event the dispatcher has not finished with; `id` is the event's."""

    __tablename__ = "outbox"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["events.tenant_id", "events.id"]),
        Index("ix_outbox_lease_until", "lease_until"),
    )

    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)


class DeliveryRow(TenantRow, Base):
    """One subscriber has handled one event; `id` is the event's."""

    __tablename__ = "event_deliveries"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "id"], ["events.tenant_id", "events.id"]),)

    subscriber: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def publish(scope: Scope, *events: Event) -> None:
    """Writes the events into this transaction; after its commit, caches turn over, pages are told (`core.live`) and
    the dispatcher is nudged.
    """
    for event in events:
        row = event_columns(scope, event)
        waits = OutboxRow(tenant_id=scope.tenant_id, id=row["id"], lease_until=scope.now)
        db.session.add_all([EventRow(**row), waits])
        _bump(scope.tenant_id, event.kind)
        telling.tell_event(scope.tenant_id, row["id"], event.kind, event.subject_id)
    db.session.flush()
    nudge_dispatcher(scope.tenant_id)


def event_columns(scope: Scope, event: Event) -> dict[str, Any]:
    """The row of an event that happens now, by who asks, with its seal."""
    row = {
        "tenant_id": scope.tenant_id,
        "id": new_id(),
        "type": event.type,
        "subject_kind": event.kind,
        "subject_id": event.subject_id,
        "actor_id": scope.user_id,
        "actor_name": scope.user_name,
        "data": event.data(),
        "at": scope.now,
    }
    return row | seal_columns(row)


def turn_over(tenant_id: UUID, kind: str) -> None:
    """What is cached of `kind` is stale once this transaction commits, and pages that show any of it ask again."""
    _bump(tenant_id, kind)
    telling.tell_kind(tenant_id, kind)


def _bump(tenant_id: UUID, kind: str) -> None:
    after_commit(lambda: cache.bump(tenant_id, kind), key=("bump", kind))


def nudge_dispatcher(tenant_id: UUID) -> None:
    after_commit(lambda: queue.enqueue_once("jobs.events.dispatch", tenant_id=tenant_id), key="nudge_dispatcher")


def jsonable(value: Any) -> Any:
    """The same value as JSON can hold it; exact, never a float."""
    match value:
        case UUID() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in value]
        case None | bool() | int() | str():
            return value
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)
