"""Who gets a ticket."""

from __future__ import annotations

from app.core.records.hooks import Changes
from app.core.scope import Scope
from app.tickets.models import Ticket


def take_in(scope: Scope, ticket: Ticket) -> None:
    """Gives a new or reopened ticket of nobody's to somebody, if the tenant's settings say so."""


def changed(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """Tells a new assignee; what another agent's hands are free for now is looked at after the commit."""


def drain(scope: Scope) -> int:
    """Gives what waits, oldest first, to whoever can take it; returns how many."""
    return 0
