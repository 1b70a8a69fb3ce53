"""Which mail waits, and what became of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from app.core import db as database
from app.core.errors import NotFound
from app.core.scope import Scope, no_tenant
from app.extensions import db
from app.gateways.mail.models import QUEUED, OutgoingMail


def tenants_with_mail_due(limit: int = 1000) -> list[UUID]:
    """Tenants with mail to send or to erase; through a definer function, which tells nothing else."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_mail_due(cast(:limit as integer))"), {"limit": limit})
        found = [row[0] for row in rows]
        database.rollback()
    return found


def find_due(at: datetime, only: str = "") -> OutgoingMail | None:
    """The mail of this tenant that has waited longest, locked; None if none is due or others have it.

    `only` is what its template begins with.
    """
    return db.session.scalars(
        select(OutgoingMail)
        .where(OutgoingMail.status == QUEUED, OutgoingMail.next_attempt_at <= at)
        .where(OutgoingMail.template.startswith(only, autoescape=True))
        .order_by(OutgoingMail.next_attempt_at, OutgoingMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def find_by_key(scope: Scope, key: str) -> UUID | None:
    """The mail that was sent under this key."""
    return db.session.scalars(
        select(OutgoingMail.id).where(OutgoingMail.tenant_id == scope.tenant_id, OutgoingMail.key == key)
    ).one_or_none()


def count_by_status(scope: Scope) -> dict[str, int]:
    """How many mails stand where."""
    rows = db.session.execute(
        select(OutgoingMail.status, func.count())
        .where(OutgoingMail.tenant_id == scope.tenant_id)
        .group_by(OutgoingMail.status)
    )
    return {row[0]: row[1] for row in rows}


def get_outcome(scope: Scope, mail_id: UUID) -> tuple[str, str | None]:
    """A mail's status, and what stood in its way last. Raises NotFound."""
    row = db.session.get(OutgoingMail, (scope.tenant_id, mail_id), populate_existing=True)
    if row is None:
        raise NotFound
    return row.status, row.last_error
