"""How long an operator may be away, and how often they may err. Standard library only."""

from __future__ import annotations

from datetime import datetime, timedelta

LIFETIME = timedelta(hours=8)
IDLE = timedelta(minutes=30)
ENROL = timedelta(hours=24)
"""How long the link to set up an account is good."""
TRIES = 5
"""Wrong tries from one place until it is locked; from all places together ten times as many."""
REASON_MIN, REASON_MAX = 3, 500


def is_over(at: datetime, *, expires_at: datetime, last_seen_at: datetime) -> bool:
    """A session ends after eight hours, and earlier after half an hour that nobody used it."""
    return at >= expires_at or at >= last_seen_at + IDLE
