"""What the service desk does by itself: gives out what waits, and closes what was resolved long enough ago."""

from __future__ import annotations

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core.scope import tenant_context
from app.tickets.actions import assigning, closing
from jobs import job


@job
def sweep() -> None:
    """What waits for somebody and was missed when hands became free."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            while assigning.drain(system_scope(tenant.id)):
                database.commit()
            database.rollback()


@job
def close() -> None:
    """Resolved tickets whose time is over, some hundred a transaction."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            while closing.close_resolved(system_scope(tenant.id)):
                database.commit()
            database.rollback()
