"""Answers to repeated requests that are kept no longer. What else is over its time: jobs.retention."""

from __future__ import annotations

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core import idempotency
from app.core.scope import tenant_context
from jobs import job


@job
def purge_keys() -> None:
    """Removes idempotency keys that have expired, a thousand a transaction."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            while idempotency.purge(system_scope(tenant.id)):
                database.commit()
            database.rollback()
