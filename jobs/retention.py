"""What is kept no longer goes, every night."""

from __future__ import annotations

from app.accounts.queries import list_tenants
from app.privacy import retention
from jobs import in_each, job


@job
def apply() -> None:
    """Tenant by tenant; what fails in one is logged, and the others have their turn."""
    in_each([tenant.id for tenant in list_tenants(suspended=False)], retention.apply_retention, "retention_failed")
