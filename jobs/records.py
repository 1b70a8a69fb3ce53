"""Records: what was deleted long ago goes for good."""

from __future__ import annotations

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core.records import actions
from app.core.scope import tenant_context
from jobs import job


@job
def purge() -> None:
    """Removes what was deleted more than 30 days ago, a thousand records a transaction."""
    for tenant in list_tenants():
        with tenant_context(tenant.id):
            while actions.purge_deleted(system_scope(tenant.id)):
                database.commit()
            database.rollback()
