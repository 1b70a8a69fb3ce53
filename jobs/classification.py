"""Classifiers: one training, the nightly look at who has something new to learn, and the sweep."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core.scope import no_tenant, tenant_context
from app.tickets import queries
from app.tickets.actions import training
from jobs import in_each, is_suspended, job


@job
def train(tenant_id: UUID, version_id: UUID) -> None:
    """Trains one version; rung by whoever asks, and by the sweep after a crash."""
    training.run_training(system_scope(tenant_id), version_id)


@job
def nightly() -> None:
    """Tenant by tenant; what fails in one is logged, and the others have their turn."""
    tenants = [tenant.id for tenant in list_tenants(suspended=False)]
    in_each(tenants, training.ask_where_worthwhile, "nightly_training_failed")


@job
def sweep() -> None:
    """Rings for trainings whose worker is gone, or that Redis has forgotten."""
    with no_tenant():
        waiting = queries.tenants_with_training_due()
        database.rollback()
    for tenant_id in waiting:
        if is_suspended(tenant_id):
            continue
        with tenant_context(tenant_id):
            for version_id in queries.list_due(system_scope(tenant_id)):
                training.ring(tenant_id, version_id)
            database.commit()
