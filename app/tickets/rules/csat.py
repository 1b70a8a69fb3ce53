"""Asking a requester how it went: when, for how long, and what counts as an answer. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

GOOD, BAD = "good", "bad"
ANSWERS: Mapping[str, str] = {GOOD: "Good", BAD: "Not good"}
LIFETIME = timedelta(days=30)
"""How long an answer is taken, and can be changed."""
NOT_AGAIN = timedelta(days=7)
"""A ticket that is resolved again within this time is not asked about twice."""
PATIENCE = timedelta(minutes=5)
"""So long a ticket has to stay resolved: the reply that solved it, which can be taken back, comes first."""
ROBOTS = timedelta(minutes=2)
"""For so long after a mail has left, programs that look for harm in mail open its links, and some run the script of
pages. What a page answers by itself in that time is not believed; what somebody presses is."""
COMMENT_MAX = 2_000


def may_ask(*, address: str | None, merged: bool, automatic: bool, last_asked: datetime | None, now: datetime) -> bool:
    """Whether the requester of a ticket that was just resolved is asked.

    `automatic` tickets were opened by a program, which has no opinion.
    """
    if not address or merged or automatic:
        return False
    return last_asked is None or now - last_asked >= NOT_AGAIN


def is_believed(*, by_itself: bool, sent_at: datetime | None, now: datetime) -> bool:
    """Whether an answer counts that arrives now; `by_itself` says the page gave it without anything being pressed."""
    return not by_itself or (sent_at is not None and now - sent_at >= ROBOTS)
