"""What is kept no longer goes, every night."""

from __future__ import annotations

import logging

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core.scope import tenant_context
from app.privacy import retention
from jobs import job

log = logging.getLogger(__name__)


@job
def apply() -> None:
    """Tenant by tenant; what fails in one is logged, and the others have their turn."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            try:
                retention.apply_retention(system_scope(tenant.id))
            except Exception:
                database.rollback()
                log.exception("retention_failed", extra={"tenant_id": str(tenant.id)})
