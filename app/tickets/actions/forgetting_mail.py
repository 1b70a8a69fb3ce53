"""Original mails that have been kept long enough; what they said stays in their tickets."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from app.core.db import after_commit
from app.core.scope import Scope
from app.core.storage import files
from app.extensions import db
from app.tickets.models.mail import FAILED, HELD, RECEIVED, ReceivedMail
from app.tickets.queries import get_desk_settings

BATCH = 500
LINES = timedelta(days=400)
"""How long a line of the log stays: as long as it is there, the same mail coming again is known."""
WAITS_TIMES = 4
"""What nobody has looked at yet is kept so many times as long."""
_SILENT = {"synchronize_session": False}


def forget_originals(scope: Scope) -> int:
    """Deletes the bytes of mails that are over their time, at most `BATCH`; returns how many."""
    kept = timedelta(days=get_desk_settings(scope).keep_mail_days)
    return _forget(scope, or_(
        and_(ReceivedMail.received_at < scope.now - kept, ReceivedMail.state.not_in((RECEIVED, HELD, FAILED))),
        and_(ReceivedMail.received_at < scope.now - WAITS_TIMES * kept, ReceivedMail.state.in_((HELD, FAILED))),
    ))  # fmt: skip


def forget_lines(scope: Scope) -> int:
    """Deletes lines of the log whose mail is gone and that are older than a year, at most `BATCH`; how many."""
    old = select(ReceivedMail.id).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.received_at < scope.now - LINES,
        ReceivedMail.raw_key.is_(None),
    )
    ids = list(db.session.scalars(old.limit(BATCH)))
    gone: Any = db.session.execute(delete(ReceivedMail).where(ReceivedMail.id.in_(ids)), execution_options=_SILENT)
    return int(gone.rowcount)


def _forget(scope: Scope, over: ColumnElement[bool]) -> int:
    query = select(ReceivedMail.id, ReceivedMail.raw_key).where(
        ReceivedMail.tenant_id == scope.tenant_id, ReceivedMail.raw_key.is_not(None), over
    )
    found = {row.id: row.raw_key for row in db.session.execute(query.limit(BATCH))}
    store = files()
    for key in found.values():
        after_commit(partial(store.delete, key))
    db.session.execute(
        update(ReceivedMail).where(ReceivedMail.id.in_(found)).values(raw_key=None), execution_options=_SILENT
    )
    return len(found)
