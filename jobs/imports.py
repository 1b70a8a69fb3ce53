"""Imports: one job for whatever an import is at (check, import, taking back), and the sweep."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import system_scope, user_scope
from app.core import db as database
from app.core.clock import now
from app.core.scope import tenant_context
from app.core.transfer import actions, queries, running
from jobs import is_suspended, job


@job
def run(tenant_id: UUID, import_id: UUID) -> None:
    """Works on the import until it is done; rung by whoever starts it, and by the sweep after a crash."""
    running.run_import(system_scope(tenant_id), import_id, rights=lambda user_id: user_scope(tenant_id, user_id, now()))


@job
def sweep() -> None:
    """Rings for imports whose worker is gone, and gives up uploads that nobody came back to."""
    for tenant_id in queries.tenants_with_lapsed_imports():
        if is_suspended(tenant_id):
            continue
        with tenant_context(tenant_id):
            actions.ring_lapsed(system_scope(tenant_id))
            actions.forget_abandoned(system_scope(tenant_id))
            database.commit()
