"""What the service desk does by itself: gives out what waits, and closes what was resolved long enough ago."""

from __future__ import annotations

from app.accounts.queries import list_tenants
from app.core import db as database
from app.core.scope import Scope
from app.tickets.actions import assigning, closing
from jobs import in_each, job


@job
def sweep() -> None:
    """What waits for somebody and was missed when hands became free."""
    in_each([tenant.id for tenant in list_tenants(suspended=False)], _drain, "desk_sweep_failed")


@job
def close() -> None:
    """Resolved tickets whose time is over, some hundred a transaction."""
    in_each([tenant.id for tenant in list_tenants(suspended=False)], _close, "closing_failed")


def _drain(scope: Scope) -> None:
    while assigning.drain(scope):
        database.commit()


def _close(scope: Scope) -> None:
    while closing.close_resolved(scope):
        database.commit()
