"""What is kept no longer than the organisation has decided: removed for good, a bounded batch a transaction.

Every step only looks for what is still there, so it may be stopped anywhere and run again. The log of events is
not among it: it says what happened, and an erasure blanks what it holds of a person.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select

from app.accounts import actions as accounts
from app.accounts.models import ApiToken, UserSession
from app.accounts.queries import get_tenant
from app.accounts.rules import Policy
from app.core import db as database
from app.core import idempotency
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.events import publish, turn_over
from app.core.records import actions as records
from app.core.records.kind import RecordKind, all_kinds
from app.core.scope import Scope
from app.core.storage import files
from app.core.transfer.models import RUNNING, Import, ImportChange, ImportProblem
from app.core.transfer.writing import delete_records
from app.extensions import db
from app.privacy import actions
from app.privacy.events import RetentionApplied

log = logging.getLogger(__name__)
BATCH = 1_000
_SILENT = {"synchronize_session": False}
_LINKS_KEPT = timedelta(days=30)
Step = Callable[[Scope, Policy], int]


def apply_retention(scope: Scope) -> dict[str, int]:
    """Removes what is over its time in the scope's tenant, and says in one event how much of what.

    Commits after each batch, so that no lock and no transaction lasts: an exception to the one commit.
    """
    policy = get_tenant(scope.tenant_id).policy
    counts: dict[str, int] = {}
    for name, step in (*STEPS, *_more):
        while done := step(scope, policy):
            database.commit()
            counts[name] = counts.get(name, 0) + done
            log.info("retention", extra={"tenant_id": str(scope.tenant_id), "of": name, "removed": counts[name]})
        database.rollback()
    if counts:
        publish(scope, RetentionApplied("retention", new_id(), counts=counts))
        database.commit()
    return counts


def remove_deleted(scope: Scope, policy: Policy) -> int:
    return records.purge_deleted(scope, BATCH, days=policy.keep_deleted_days)


def remove_closed(scope: Scope, policy: Policy) -> int:
    """Leads that came to an end: those lost and unqualified, and those that became something else."""
    if policy.keep_closed_leads_days is None:
        return 0
    before = scope.now - timedelta(days=policy.keep_closed_leads_days)
    return sum(_remove_closed(scope, kind, before) for kind in all_kinds() if kind.name == "lead")


def remove_import_rows(scope: Scope, policy: Policy) -> int:
    """What finished imports refused and overwrote, before the imports themselves: there may be a million of them."""
    if policy.keep_imports_days is None:
        return 0
    old = select(Import.id).where(_old_imports(scope, policy.keep_imports_days))
    removed = 0
    for model in (ImportProblem, ImportChange):
        ids: list[UUID] = list(db.session.scalars(select(model.id).where(model.import_id.in_(old)).limit(BATCH)))
        db.session.execute(delete(model).where(model.id.in_(ids)), execution_options=_SILENT)
        removed += len(ids)
    return removed


def remove_imports(scope: Scope, policy: Policy) -> int:
    if policy.keep_imports_days is None:
        return 0
    query = select(Import).where(_old_imports(scope, policy.keep_imports_days)).limit(100)
    rows = list(db.session.scalars(query.with_for_update(skip_locked=True)))
    for row in rows:
        _delete_file_later(row.file_key)
    ids = [row.id for row in rows]
    db.session.execute(delete(Import).where(Import.id.in_(ids)), execution_options=_SILENT)
    return len(rows)


def remove_sessions(scope: Scope, policy: Policy) -> int:
    ids = list(db.session.scalars(select(UserSession.id).where(UserSession.expires_at < scope.now).limit(BATCH)))
    db.session.execute(delete(UserSession).where(UserSession.id.in_(ids)), execution_options=_SILENT)
    return len(ids)


def remove_api_tokens(scope: Scope, policy: Policy) -> int:
    """Those that ended or were revoked so long ago that nobody asks about them any more."""
    before = scope.now - timedelta(days=policy.keep_sign_ins_days)
    over = or_(ApiToken.expires_at < before, and_(ApiToken.revoked_at.is_not(None), ApiToken.revoked_at < before))
    ids = list(db.session.scalars(select(ApiToken.id).where(over).limit(BATCH)))
    db.session.execute(delete(ApiToken).where(ApiToken.id.in_(ids)), execution_options=_SILENT)
    return len(ids)


STEPS: tuple[tuple[str, Step], ...] = (
    ("deleted records", remove_deleted),
    ("closed leads", remove_closed),
    ("rows of imports", remove_import_rows),
    ("imports", remove_imports),
    ("sessions", remove_sessions),
    ("failed sign-ins", lambda scope, policy: accounts.purge_guards(scope.tenant_id, scope.now)),
    ("devices", lambda scope, policy: accounts.purge_devices(scope.tenant_id, scope.now)),
    ("challenges", lambda scope, policy: accounts.purge_challenges(scope.tenant_id, scope.now)),
    ("programs' sign-ins", lambda scope, policy: accounts.purge_families(scope.tenant_id, scope.now)),
    ("links", lambda scope, policy: accounts.purge_links(scope.tenant_id, scope.now - _LINKS_KEPT)),
    ("API tokens", remove_api_tokens),
    ("kept answers", lambda scope, policy: idempotency.purge(scope, BATCH)),
    ("exports of personal data", lambda scope, policy: actions.forget_files(scope)),
)


_more: list[tuple[str, Step]] = []


def add_step(name: str, step: Step) -> None:
    """What a storey above keeps for a time only. Said once at start; `step` removes at most `BATCH` rows a call."""
    _more[:] = [*(known for known in _more if known[0] != name), (name, step)]


def _remove_closed(scope: Scope, kind: RecordKind, before: datetime) -> int:
    if kind.lifecycle is None:
        return 0
    ends = [name for name, moves in kind.lifecycle.moves.items() if not moves or name in kind.lifecycle.reasoned]
    status = getattr(kind.model, kind.lifecycle.field)
    over = (status.in_(ends), kind.model.updated_at < before, kind.model.deleted_at.is_(None))
    ids = list(db.session.scalars(select(kind.model.id).where(*over).limit(BATCH)))
    if ids:
        db.session.execute(delete(ImportChange).where(ImportChange.record_id.in_(ids)), execution_options=_SILENT)
        delete_records(kind, ids)
        turn_over(scope.tenant_id, kind.name)
    return len(ids)


def _old_imports(scope: Scope, days: int) -> ColumnElement[bool]:
    before = scope.now - timedelta(days=days)
    return and_(Import.created_at < before, Import.state.not_in(RUNNING))


def _delete_file_later(key: str) -> None:
    store = files()
    after_commit(lambda: store.delete(key))
