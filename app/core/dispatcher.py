"""Hands committed events to their subscribers, each exactly once per subscriber that succeeds.

The doorbell rings after each commit; a sweep looks every 15 seconds for what a crash left behind. Rows are
taken with ``FOR UPDATE SKIP LOCKED`` so that several dispatchers share the work. A delivery is recorded in
the transaction of what the subscriber wrote, so a repeat is impossible for effects in the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.core import cache, chain
from app.core import db as database
from app.core.clock import now
from app.core.events import DeliveryRow, EventRow, OutboxRow
from app.core.live import telling
from app.core.scope import no_tenant, tenant_context
from app.extensions import db

log = logging.getLogger(__name__)

Subscriber = Callable[[EventRow], None]
_subscribers: dict[str, tuple[Container[str], Subscriber]] = {}
_BATCH = 100
_MAX_ATTEMPTS = 10


def subscribe(name: str, types: Container[str], handle: Subscriber) -> None:
    """`handle` gets each event of these types, in its own transaction, at least once and recorded once."""
    _subscribers[name] = (types, handle)


def dispatch(tenant_id: UUID) -> int:
    """Handles what waits in one tenant and links its events into the chain; returns how many it finished with."""
    done = 0
    with tenant_context(tenant_id):
        while event_id := _take():
            done += _deliver(tenant_id, event_id)
        chain.extend(tenant_id)
    return done


def tenants_waiting(limit: int = 1000) -> list[UUID]:
    """Tenants with events whose lease has run out; through a definer function, the only look across tenants."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_outbox(cast(:limit as integer))"), {"limit": limit})
        waiting = [row[0] for row in rows]
        database.rollback()
    return waiting


def tenants_behind() -> list[UUID]:
    """Tenants whose chain does not reach their newest event: an import writes events that wait for nobody."""
    with no_tenant():
        behind = chain.tenants_behind()
        database.rollback()
    return behind


def _take() -> UUID | None:
    """Leases the oldest waiting event, so that a second dispatcher passes it by."""
    at = now()
    row = db.session.scalars(
        select(OutboxRow)
        .where(OutboxRow.lease_until <= at, OutboxRow.attempts < _MAX_ATTEMPTS)
        .order_by(OutboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        database.rollback()
        return None
    row.lease_until = at + timedelta(seconds=min(30 * 2**row.attempts, 3600))
    row.attempts += 1
    event_id = row.id
    database.commit()
    return event_id


def _deliver(tenant_id: UUID, event_id: UUID) -> int:
    """Runs each subscriber that has not handled the event; clears it from the outbox when all have."""
    event = db.session.get_one(EventRow, (tenant_id, event_id))
    cache.bump(tenant_id, event.subject_kind)
    telling.tell_again(tenant_id, event.id, event.subject_kind, event.subject_id)
    failures = [name for name in _wanting(event) if not _hand_over(tenant_id, event_id, name)]
    row = db.session.get(OutboxRow, (tenant_id, event_id))
    if row is not None and failures:
        row.last_error = f"failed: {', '.join(failures)}"
    elif row is not None:
        db.session.delete(row)
    database.commit()
    return 0 if failures else 1


def _wanting(event: EventRow) -> list[str]:
    handled = set(
        db.session.scalars(
            select(DeliveryRow.subscriber).where(DeliveryRow.tenant_id == event.tenant_id, DeliveryRow.id == event.id)
        )
    )
    return [name for name, (types, _) in _subscribers.items() if event.type in types and name not in handled]


def _hand_over(tenant_id: UUID, event_id: UUID, name: str) -> bool:
    """One subscriber, one transaction: the delivery is recorded with what the subscriber wrote."""
    try:
        event = db.session.get_one(EventRow, (tenant_id, event_id))
        db.session.add(DeliveryRow(tenant_id=tenant_id, id=event_id, subscriber=name, at=now()))
        _subscribers[name][1](event)
        database.commit()
    except Exception:
        database.rollback()
        log.exception("delivery_failed", extra={"subscriber": name, "event_id": str(event_id)})
        return False
    return True
