"""Mail that comes in: fetching it, making something of it, and the sweep."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from app.accounts.queries import system_scope
from app.core import db as database
from app.core import queue
from app.core.clock import now
from app.core.scope import tenant_context
from app.tickets.actions import polling, taking_mail
from app.tickets.queries import mailboxes
from jobs import is_suspended, job


@job
def poll(tenant_id: UUID, mailbox_id: UUID) -> None:
    """Fetches what is new in one mailbox. Rung by the sweep every minute, and by who asks for it."""
    queue.started("jobs.mailboxes.poll", tenant_id=tenant_id, mailbox_id=mailbox_id)
    polling.poll_mailbox(system_scope(tenant_id), mailbox_id)


@job
def take(tenant_id: UUID) -> None:
    """Makes something of what came in. Rung after each commit that stored mail, and by the sweep."""
    queue.started("jobs.mailboxes.take", tenant_id=tenant_id)
    taking_mail.take_due(system_scope(tenant_id))


@job
def sweep() -> None:
    """Rings for mailboxes whose minute is over, and for mail that waits or that a crash left behind."""
    for tenant_id in mailboxes.tenants_with_mail_in():
        if is_suspended(tenant_id):
            continue
        with tenant_context(tenant_id):
            scope = replace(system_scope(tenant_id), now=now())
            due = mailboxes.list_due_mailboxes(scope)
            waits = mailboxes.is_mail_due(scope)
            database.rollback()
        for mailbox_id in due:
            polling.ring(tenant_id, mailbox_id)
        if waits:
            queue.enqueue_once("jobs.mailboxes.take", tenant_id=tenant_id)
