"""Records: what was deleted long ago goes for good, and so do answers that are kept no longer."""

from __future__ import annotations

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core import idempotency
from app.core.records import actions
from app.core.scope import tenant_context
from jobs import job


@job
def purge() -> None:
    """Removes what was deleted more than 30 days ago, a thousand records a transaction."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            while actions.purge_deleted(system_scope(tenant.id)):
                database.commit()
            database.rollback()


@job
def purge_keys() -> None:
    """Removes idempotency keys that have expired, a thousand a transaction."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            while idempotency.purge(system_scope(tenant.id)):
                database.commit()
            database.rollback()
