"""Clocks of service levels: one ticket at its instant, the sweep, and changes of policies on their way to tickets."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import system_scope
from app.core import db as database
from app.core import queue
from app.core.clock import now
from app.core.scope import Scope, no_tenant
from app.tickets.actions import spreading, sweeping
from app.tickets.actions.firing import TELL
from app.tickets.queries import changes, clocks
from jobs import in_each, job


@job
def check(tenant_id: UUID, ticket_id: UUID) -> None:
    """Brings one ticket's clocks up to now; rung just after something comes to them."""
    sweeping.check(system_scope(tenant_id), ticket_id)


@job
def tell(tenant_id: UUID) -> None:
    """Tells people what came to pass; rung once for much of it, and catches up with what else there is to tell, so
    that each gets one digest also after an outage."""
    queue.started(TELL, tenant_id=tenant_id)
    sweeping.catch_up(system_scope(tenant_id))


@job
def sweep() -> None:
    """What no job noticed, oldest first, and jobs for what comes before the next sweep. Time goes by what is due."""
    with no_tenant():
        at = now()
        due, changing = clocks.tenants_with_sla_due(at + sweeping.AHEAD), changes.tenants_with_changes(at)
        database.rollback()
    in_each(dict.fromkeys([*due, *changing]), _sweep, "sla_sweep_tenant_failed")


def _sweep(scope: Scope) -> None:
    for change_id in changes.list_open_changes(scope, scope.now):
        spreading.ring(scope.tenant_id, change_id)
    sweeping.sweep(scope)


@job
def spread(tenant_id: UUID, change_id: UUID) -> None:
    """Takes a changed policy or calendar to the open tickets; rung by whoever changed it, and by the sweep."""
    spreading.work_on(system_scope(tenant_id), change_id)
