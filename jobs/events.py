"""Handing committed events to their subscribers."""

from __future__ import annotations

from uuid import UUID

from app.core import dispatcher, queue
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
