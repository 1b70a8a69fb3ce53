"""The clocks of a ticket: what happens to it is told to the engine, and what the engine says is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.records.hooks import Changes
from app.core.scope import Scope
from app.tickets.models import Ticket


def begin(scope: Scope, ticket: Ticket) -> None:
    """Finds the policy of a new ticket and starts its clocks."""


def note(scope: Scope, ticket: Ticket, what: str, value: Any = None, at: datetime | None = None) -> None:
    """Adds one happening (`rules.sla.HANDLERS`) to the ticket's history and brings its clocks up to date."""


def changed(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """A field that policies look at may have changed: priority, category, customer, channel, tags."""
