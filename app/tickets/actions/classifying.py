"""What a classifier suggests for a ticket, and what becomes of it."""

from __future__ import annotations

from typing import Any

from app.core.records.hooks import Changes
from app.core.scope import Scope
from app.tickets.models import Ticket


def suggest(scope: Scope, values: dict[str, Any]) -> Any:
    """What the tenant's classifier makes of a ticket about to be stored; fills in what it is sure of. Never raises."""
    return None


def record(scope: Scope, ticket: Ticket, suggestion: Any) -> None:
    """Stores the suggestion beside its ticket."""


def remember_correction(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """A person decided otherwise than suggested: the next training learns from that."""
