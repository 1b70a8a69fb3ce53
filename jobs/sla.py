"""Clocks of service levels: one ticket at its instant, the sweep, and changes of policies on their way to tickets."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import system_scope
from app.core import db as database
from app.core import queue
from app.core.clock import now
from app.core.scope import no_tenant, tenant_context
from app.tickets.actions import spreading, sweeping
from app.tickets.actions.firing import TELL
from app.tickets.queries import changes, clocks
from jobs import is_suspended, job


@job
def check(tenant_id: UUID, ticket_id: UUID) -> None:
    """Brings one ticket's clocks up to now; rung just after something comes to them."""
    sweeping.check(system_scope(tenant_id), ticket_id)


@job
def tell(tenant_id: UUID) -> None:
    """Tells people what came to pass; rung once for much of it, so that each gets one digest."""
    queue.started(TELL, tenant_id=tenant_id)
    sweeping.tell(system_scope(tenant_id))


@job
def sweep() -> None:
    """What no job noticed, oldest first, and jobs for what comes before the next sweep. Time goes by what is due."""
    with no_tenant():
        at = now()
        due, changing = clocks.tenants_with_sla_due(at + sweeping.AHEAD), changes.tenants_with_changes(at)
        database.rollback()
    for tenant_id in dict.fromkeys([*due, *changing]):
        if is_suspended(tenant_id):
            continue
        with tenant_context(tenant_id):
            scope = system_scope(tenant_id)
            sweeping.sweep(scope)
            for change_id in changes.list_open_changes(scope, at):
                spreading.ring(tenant_id, change_id)
            database.commit()


@job
def spread(tenant_id: UUID, change_id: UUID) -> None:
    """Takes a changed policy or calendar to the open tickets; rung by whoever changed it, and by the sweep."""
    spreading.work_on(system_scope(tenant_id), change_id)
