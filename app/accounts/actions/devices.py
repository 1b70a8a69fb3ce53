"""Browsers somebody has come in with before (ADR 19)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from app.accounts.browsers import described
from app.accounts.events import DeviceSeen
from app.accounts.models import Device
from app.accounts.queries import find_device, token_hash
from app.core.clock import new_id
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

KEPT = timedelta(days=400)
"""As long as browsers keep a cookie."""
_MOST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the lists of sessions and devices.

    `devices` are the tokens of browsers known before, as the request's cookie holds them.
    """

    ip: str | None = None
    user_agent: str | None = None
    devices: tuple[str, ...] = ()

    @property
    def short_user_agent(self) -> str | None:
        return (self.user_agent or "")[:_MOST_USER_AGENT] or None


def recognise(scope: Scope, origin: Origin) -> tuple[UUID, str | None]:
    """The device somebody comes in with; for a new one its token as well, told once."""
    assert scope.user_id is not None
    known = find_device(scope.tenant_id, scope.user_id, origin.devices)
    if known is not None:
        known.last_seen_at, known.ip, known.user_agent = scope.now, origin.ip, origin.short_user_agent
        return known.id, None
    return _remember(scope, scope.user_id, origin)


def purge_devices(tenant_id: UUID, at: datetime) -> int:
    """Forgets browsers nobody came with for longer than they keep the cookie; returns how many."""
    gone = db.session.execute(
        delete(Device).where(Device.tenant_id == tenant_id, Device.last_seen_at < at - KEPT).returning(Device.id)
    )
    return len(gone.all())


def _remember(scope: Scope, user_id: UUID, origin: Origin) -> tuple[UUID, str]:
    earlier = db.session.execute(
        select(func.count()).select_from(Device).where(Device.tenant_id == scope.tenant_id, Device.user_id == user_id)
    ).scalar_one()
    token = secrets.token_urlsafe(32)
    row = Device(
        tenant_id=scope.tenant_id,
        id=new_id(),
        user_id=user_id,
        token_hash=token_hash(token),
        first_seen_at=scope.now,
        last_seen_at=scope.now,
        ip=origin.ip,
        user_agent=origin.short_user_agent,
    )
    db.session.add(row)
    db.session.flush()
    seen = DeviceSeen("device", row.id, user_id, described(origin.user_agent), origin.ip, first=not earlier)
    publish(scope, seen)
    return row.id, token
