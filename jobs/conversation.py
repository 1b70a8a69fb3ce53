"""Replies whose time to be taken back is over, drafts nobody comes back to, and files nothing refers to."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core import queue
from app.core.scope import Scope, tenant_context
from app.tickets.actions import conversation, drafts, files
from app.tickets.queries import conversation as reading
from jobs import job
from jobs.files import remove_orphans

log = logging.getLogger(__name__)
_ORPHANS_KEPT = timedelta(days=2)


@job
def release(tenant_id: UUID) -> None:
    """Lets what is due leave, one by one: each is committed, so that one that cannot leave holds up no other."""
    queue.started("jobs.conversation.release", tenant_id=tenant_id)
    for message_id in reading.list_due(system_scope(tenant_id)):
        try:
            conversation.release(system_scope(tenant_id), message_id)
            database.commit()
        except Exception:
            database.rollback()
            log.exception("release_failed", extra={"tenant_id": str(tenant_id), "message_id": str(message_id)})


@job
def sweep() -> None:
    """Rings for tenants with a reply that has to leave."""
    for tenant_id in reading.tenants_with_replies_due():
        queue.enqueue_once("jobs.conversation.release", tenant_id=tenant_id)


@job
def purge() -> None:
    """Removes drafts of a month ago, uploads nobody sent, and stored bytes without a row. What fails in one tenant is
    logged, and the others have their turn."""
    for tenant in list_tenants(suspended=False):
        with tenant_context(tenant.id):
            try:
                _purge(system_scope(tenant.id))
            except Exception:
                database.rollback()
                log.exception("purge_failed", extra={"tenant_id": str(tenant.id)})


def _purge(scope: Scope) -> None:
    for step in (drafts.purge_drafts, files.purge_waiting):
        while step(scope):
            database.commit()
    remove_orphans(scope, scope.now - _ORPHANS_KEPT)
    database.commit()
