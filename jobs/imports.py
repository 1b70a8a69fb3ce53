"""Imports: one job for whatever an import is at (check, import, taking back), and the sweep."""

from __future__ import annotations

from uuid import UUID

from app.core import db as database
from app.core.clock import now
from app.core.scope import Scope, tenant_context
from app.core.transfer import actions, queries, running
from jobs import job


@job
def run(tenant_id: UUID, import_id: UUID) -> None:
    """Works on the import until it is done; rung by whoever starts it, and by the sweep after a crash."""
    running.run_import(_system(tenant_id), import_id)


@job
def sweep() -> None:
    """Rings for imports whose worker is gone, and gives up uploads that nobody came back to."""
    for tenant_id in queries.tenants_with_lapsed_imports():
        with tenant_context(tenant_id):
            actions.ring_lapsed(_system(tenant_id))
            actions.forget_abandoned(_system(tenant_id))
            database.commit()


def _system(tenant_id: UUID) -> Scope:
    """The system itself; an import carries the name and the zone of who asked for it."""
    return Scope(tenant_id, "", "", now=now())
