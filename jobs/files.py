"""Stored bytes that no row knows: what a crash between the two left, and what was deleted with a whole tree of rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.scope import Scope
from app.core.storage import files
from app.core.transfer.models import Import
from app.extensions import db
from app.privacy.models import PrivacyRequest
from app.tickets.models import ReceivedMail, TicketFile

log = logging.getLogger(__name__)
HOLDERS: tuple[Any, ...] = (Import.file_key, PrivacyRequest.file_key, ReceivedMail.raw_key, TicketFile.key)
"""Every column that holds a key of the store. A house test finds those that are missing."""
_BATCH = 500


def remove_orphans(scope: Scope, before: datetime) -> int:
    """Removes the tenant's files that were kept before then and that no row names; returns how many."""
    store, removed = files(), 0
    old = [key for key, at in store.keys(scope.tenant_id) if at < before]
    for start in range(0, len(old), _BATCH):
        batch = old[start : start + _BATCH]
        for key in set(batch) - _known(batch):
            store.delete(key)
            removed += 1
    if removed:
        log.info("orphans_removed", extra={"tenant_id": str(scope.tenant_id), "count": removed})
    return removed


def _known(keys: Sequence[str]) -> set[str]:
    return {key for column in HOLDERS for key in db.session.scalars(select(column).where(column.in_(keys)))}
