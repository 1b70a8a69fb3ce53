"""How long a session lives."""

from __future__ import annotations

from datetime import datetime, timedelta

RENEWAL_GRACE = timedelta(seconds=60)
"""How long a session's former token goes on after it was given a new one: requests were under way."""


def is_expired(at: datetime, *, expires_at: datetime, last_seen_at: datetime, idle: timedelta) -> bool:
    """A session ends at a fixed time, and earlier if nobody uses it."""
    return at >= expires_at or at >= last_seen_at + idle
