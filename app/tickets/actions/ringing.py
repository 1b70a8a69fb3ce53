"""The jobs that ring when something comes to a clock.

Truth does not depend on them: whenever the clocks are looked at, they say what came to pass at its own instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from app.core import queue
from app.core.db import after_commit
from app.core.scope import Scope

JOB = "jobs.sla.check"
SETTLE = timedelta(seconds=2)
"""Clocks are looked at as they stood so long ago: an answer given in time, but not committed yet, still counts."""
AHEAD = timedelta(minutes=6)
"""Instants nearer than this get their job at once; the sweep, every five minutes, sees to those that come nearer."""


def settled(now: datetime) -> datetime:
    """Up to when it is certain by `now` what came to pass."""
    return now - SETTLE


def arm(scope: Scope, ticket_id: UUID, at: datetime) -> None:
    """Once this transaction is committed, a job is to look at the ticket just after `at`, if that is soon."""
    if at > scope.now + AHEAD:
        return
    when = max(at, scope.now) + SETTLE
    after_commit(
        lambda: queue.ring_at(
            JOB,
            when,
            key=f"sla-{ticket_id}-{int(when.timestamp())}",
            tenant_id=scope.tenant_id,
            ticket_id=ticket_id,
        ),
        key=("sla", ticket_id),
    )
