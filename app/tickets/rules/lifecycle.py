"""What a ticket may become, and how urgent it is. Standard library only.

The way of a ticket is that of the service desk's seed: new → open → pending or on hold → resolved → closed, and back to
open when its requester writes again in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

NEW, OPEN, PENDING, ON_HOLD, RESOLVED, CLOSED = "new", "open", "pending", "on_hold", "resolved", "closed"

STATUSES: tuple[tuple[str, str, str], ...] = (
    (NEW, "New", "info"),
    (OPEN, "Open", "accent"),
    (PENDING, "Pending", "warning"),
    (ON_HOLD, "On hold", "neutral"),
    (RESOLVED, "Resolved", "success"),
    (CLOSED, "Closed", "neutral"),
)
MOVES: Mapping[str, tuple[str, ...]] = {
    NEW: (OPEN, PENDING, ON_HOLD, RESOLVED, CLOSED),
    OPEN: (PENDING, ON_HOLD, RESOLVED, CLOSED),
    PENDING: (OPEN, ON_HOLD, RESOLVED, CLOSED),
    ON_HOLD: (OPEN, PENDING, RESOLVED, CLOSED),
    RESOLVED: (OPEN, CLOSED),
    CLOSED: (OPEN,),
}
STATUS_WORDS: Mapping[str, str] = {
    "pending customer response": PENDING,
    "waiting on customer": PENDING,
    "waiting for customer": PENDING,
    "in progress": OPEN,
    "active": OPEN,
    "hold": ON_HOLD,
    "waiting": ON_HOLD,
    "solved": RESOLVED,
    "done": RESOLVED,
}
"""What other systems call a status."""
WORKING = (NEW, OPEN, PENDING, ON_HOLD)
"""Statuses of a ticket that is still to be worked on."""
DONE = (RESOLVED, CLOSED)

LOW, NORMAL, HIGH, URGENT = "low", "normal", "high", "urgent"
PRIORITIES: tuple[tuple[str, str, str], ...] = (
    (LOW, "Low", "neutral"),
    (NORMAL, "Normal", "info"),
    (HIGH, "High", "warning"),
    (URGENT, "Urgent", "danger"),
)
PRIORITY_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("very low", "very_low", "lowest", "minor", "p4", "4"), LOW),
    **dict.fromkeys(("medium", "default", "p3", "3"), NORMAL),
    **dict.fromkeys(("major", "p2", "2"), HIGH),
    **dict.fromkeys(("critical", "very high", "very_high", "highest", "blocker", "p1", "1"), URGENT),
}
"""What other systems call a priority."""
PRIORITY_ORDER: Mapping[str, int] = {value: place for place, (value, _, _) in enumerate(PRIORITIES)}

CHANNELS: tuple[tuple[str, str, str], ...] = (
    ("web", "Web", "neutral"),
    ("email", "E-mail", "neutral"),
    ("api", "API", "neutral"),
    ("phone", "Phone", "neutral"),
    ("chat", "Chat", "neutral"),
    ("import", "Import", "neutral"),
    ("other", "Other", "neutral"),
)
CHANNEL_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("mail", "imap", "smtp"), "email"),
    **dict.fromkeys(("form", "portal", "website", "web form"), "web"),
    **dict.fromkeys(("call", "telephone", "voice"), "phone"),
    **dict.fromkeys(("live chat", "messenger"), "chat"),
    **dict.fromkeys(("social media", "twitter", "facebook", "letter"), "other"),
}
SLA_STATES: tuple[tuple[str, str, str], ...] = (
    ("none", "No target", "neutral"),
    ("running", "On time", "success"),
    ("due_soon", "Due soon", "warning"),
    ("breached", "Breached", "danger"),
    ("paused", "Paused", "info"),
    ("met", "Met", "success"),
)
RATINGS: tuple[tuple[str, str, str], ...] = (("good", "Good", "success"), ("bad", "Bad", "danger"))

_SUBJECT = 160


def subject_of(values: Mapping[str, Any]) -> str:
    """The subject, or the first words of the description for those who gave none."""
    subject = values.get("subject")
    if subject:
        return str(subject)
    words = " ".join((values.get("description") or "").split())
    return words if len(words) <= _SUBJECT else words[: _SUBJECT - 1].rstrip() + "…"


def title_of(values: Mapping[str, Any]) -> str:
    """What a ticket is called: its number and subject."""
    number = values.get("number")
    subject = subject_of(values) or "No subject"
    return f"#{number} {subject}" if number else subject


def missing(values: Mapping[str, Any]) -> dict[str, str]:
    """A ticket says what it is about."""
    if values.get("subject") or values.get("description"):
        return {}
    return {"subject": "Say what it is about: give a subject or a description."}


def may_reopen(status: str, done_at: datetime | None, now: datetime, days: int) -> bool:
    """Whether a customer's message reopens a finished ticket, or begins a new one that follows it."""
    return status in DONE and done_at is not None and now - done_at <= timedelta(days=days)
