"""The built-in views of the desk, and why a ticket stands where it does in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.records.kind import Queue, Urgency
from app.core.scope import Scope
from app.tickets.rules import lifecycle

_WORKING = {"status": lifecycle.WORKING}

QUEUES = (
    Queue("mine", "Mine", {"owner_id": ("me",), **_WORKING}, "due", "Nothing of yours waits. Take one of these:"),
    Queue("unassigned", "Unassigned", {"owner_id": ("none",), **_WORKING}, "due", "Every ticket is somebody's."),
    Queue("due-soon", "Due soon", {"sla_state": ("due_soon",), **_WORKING}, "due", "Nothing is about to be late."),
    Queue("breached", "Breached", {"sla_state": ("breached",), **_WORKING}, "due", "No promise is broken."),
    Queue("team", "My team's", {"team_id": ("mine",), **_WORKING}, "due", "No ticket waits for a team of yours."),
    Queue("open", "All open", _WORKING, "due", "Nothing waits: every ticket is resolved."),
    Queue("all", "All", {}),
)

URGENCY_FIELDS = (
    "status",
    "sla_state",
    "due_at",
    "first_response_due_at",
    "next_response_due_at",
    "resolution_due_at",
    "last_customer_at",
)
_DUE = (
    ("first_response_due_at", "First response due"),
    ("next_response_due_at", "Answer due"),
    ("resolution_due_at", "Resolution due"),
)
_TONES = {"breached": "danger", "due_soon": "warning"}


def first_queue(scope: Scope) -> str:
    """Who works on tickets comes to their own, who runs the desk or only looks to all that is open."""
    works = scope.may("ticket:update") and not scope.may("desk:manage")
    return "mine" if works else "open"


def urgency(values: Mapping[str, Any]) -> Urgency | None:
    """What is due next and when; without a promise, since when a customer waits."""
    if values["status"] not in lifecycle.WORKING:
        return None
    due: datetime | None = values["due_at"]
    if due is not None:
        text = next((text for name, text in _DUE if values[name] == due), "Due")
        return Urgency(text, due, _TONES.get(values["sla_state"], "neutral"))
    waiting: datetime | None = values["last_customer_at"]
    return Urgency("The customer wrote", waiting) if waiting else None
