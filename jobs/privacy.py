"""Personal data: exports and erasures that were asked for, and the sweep."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import system_scope
from app.core import db as database
from app.core.scope import no_tenant, tenant_context
from app.privacy import actions, queries, running
from jobs import job


@job
def run(tenant_id: UUID, request_id: UUID) -> None:
    """Does one request until it is done; rung by whoever asks, and by the sweep after a crash."""
    running.run_request(system_scope(tenant_id), request_id)


@job
def sweep() -> None:
    """Rings for requests whose worker is gone; deletes exports that are a week old."""
    with no_tenant():
        waiting = queries.tenants_with_privacy_due()
        database.rollback()
    for tenant_id in waiting:
        with tenant_context(tenant_id):
            scope = system_scope(tenant_id)
            actions.forget_files(scope)
            for request_id in queries.list_due(scope):
                actions.ring(tenant_id, request_id)
            database.commit()
