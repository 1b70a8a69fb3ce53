"""Handing committed events to their subscribers."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import list_tenants
from app.core import chain, dispatcher, queue
from app.core.scope import tenant_context
from jobs import job, while_suspended


@job
@while_suspended
def dispatch(tenant_id: UUID) -> None:
    """Handles what waits in one tenant; rung after each commit, and by the sweep.

    In a suspended one too: its log and chain are kept, and its owners are told.
    """
    queue.started("jobs.events.dispatch", tenant_id=tenant_id)
    dispatcher.dispatch(tenant_id)


@job
def sweep() -> None:
    """Rings for every tenant with events that a crash, or a Redis that was away, left behind or unchained."""
    for tenant_id in dict.fromkeys([*dispatcher.tenants_waiting(), *dispatcher.tenants_behind()]):
        queue.enqueue_once("jobs.events.dispatch", tenant_id=tenant_id)


@job
def settle() -> None:
    """Once a night each chain is looked through from its beginning: what came too late for it gets its place."""
    for tenant in list_tenants():
        with tenant_context(tenant.id):
            chain.extend(tenant.id, everything=True, seconds=300)
