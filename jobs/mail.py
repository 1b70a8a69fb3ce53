"""Outgoing mail: sending what waits, the sweep, and forgetting."""

from __future__ import annotations

from uuid import UUID

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core import queue
from app.core.scope import tenant_context
from app.gateways.mail import actions, queries, sending
from app.operator.notices import TEMPLATES as OPERATORS
from jobs import is_suspended, job, while_suspended


@job
@while_suspended
def send(tenant_id: UUID) -> None:
    """Sends what is due in one tenant. Rung after each commit that stored mail, and by the sweep.

    From a suspended one leaves only what the operator writes to its owners; the rest waits.
    """
    queue.started("jobs.mail.send", tenant_id=tenant_id)
    sending.send_due(system_scope(tenant_id), only=OPERATORS if is_suspended(tenant_id) else "")


@job
def sweep() -> None:
    """Rings for mail that waits for another attempt, or that a crash left behind; erases what was sent."""
    for tenant_id in queries.tenants_with_mail_due():
        with tenant_context(tenant_id):
            actions.erase_bodies(system_scope(tenant_id))
            database.commit()
        if sending.is_set_up():
            queue.enqueue_once("jobs.mail.send", tenant_id=tenant_id)


@job
def purge() -> None:
    """Deletes mails of three months ago."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            actions.forget_old(system_scope(tenant.id))
            database.commit()
