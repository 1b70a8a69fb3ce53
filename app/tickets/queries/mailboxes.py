"""Mailboxes, and who looks after them."""

from __future__ import annotations

import hmac
from uuid import UUID

from sqlalchemy import func, select, text

from app.accounts.queries import list_roles, list_users
from app.core import db as database
from app.core.errors import NotFound
from app.core.scope import Scope, no_tenant
from app.extensions import db
from app.tickets.models.mail import IMAP, RECEIVED, Mailbox, ReceivedMail
from app.tickets.rules.mailboxes import hash_token

MANAGE = "desk:manage"


def list_mailboxes(scope: Scope) -> list[Mailbox]:
    """All of the tenant's, by name; there are few."""
    query = select(Mailbox).where(Mailbox.tenant_id == scope.tenant_id).order_by(Mailbox.name, Mailbox.id)
    return list(db.session.scalars(query))


def get_mailbox(scope: Scope, mailbox_id: UUID, *, lock: bool = False) -> Mailbox:
    """One mailbox. Raises NotFound."""
    query = select(Mailbox).where(Mailbox.tenant_id == scope.tenant_id, Mailbox.id == mailbox_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This mailbox does not exist, or is not yours to see.")
    return found


def find_mailbox(scope: Scope, mailbox_id: UUID | None) -> Mailbox | None:
    """The mailbox, unless it is gone."""
    return db.session.get(Mailbox, (scope.tenant_id, mailbox_id)) if mailbox_id else None


def find_by_address(scope: Scope, address: str) -> Mailbox | None:
    """The mailbox of an address, however its letters are cased."""
    query = select(Mailbox).where(Mailbox.tenant_id == scope.tenant_id, Mailbox.address == address.lower())
    return db.session.scalars(query).one_or_none()


def find_by_token(scope: Scope, token: str) -> Mailbox | None:
    """The active mailbox of a secret address. What is looked up is a hash, so its time says nothing of the token."""
    hashed = hash_token(token)
    query = select(Mailbox).where(Mailbox.tenant_id == scope.tenant_id, Mailbox.token_hash == hashed, Mailbox.active)
    found = db.session.scalars(query).one_or_none()
    return found if found is not None and hmac.compare_digest(found.token_hash, hashed) else None


def list_own_addresses(scope: Scope) -> frozenset[str]:
    """The addresses of all mailboxes of the tenant."""
    return frozenset(db.session.scalars(select(Mailbox.address).where(Mailbox.tenant_id == scope.tenant_id)))


def find_default_mailbox(scope: Scope) -> Mailbox | None:
    """The mailbox answers leave by when a ticket came by none: the oldest active one, proved ones first."""
    query = select(Mailbox).where(Mailbox.tenant_id == scope.tenant_id, Mailbox.active)
    return db.session.scalars(query.order_by(Mailbox.proved_at.is_(None), Mailbox.id).limit(1)).first()


def list_due_mailboxes(scope: Scope) -> list[UUID]:
    """Mailboxes whose next poll is due."""
    query = select(Mailbox.id).where(
        Mailbox.tenant_id == scope.tenant_id, Mailbox.active, Mailbox.way == IMAP, Mailbox.next_poll_at <= scope.now
    )
    return list(db.session.scalars(query.order_by(Mailbox.next_poll_at).limit(100)))


def is_mail_due(scope: Scope) -> bool:
    """Whether something that came in waits to be made something of."""
    query = select(ReceivedMail.id).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.state == RECEIVED,
        ReceivedMail.next_attempt_at <= scope.now,
    )
    return db.session.scalars(query.limit(1)).first() is not None


def tenants_with_mail_in(limit: int = 1000) -> list[UUID]:
    """Tenants with a mailbox to poll or mail to look at; through a definer function, which tells nothing else."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_mail_in(cast(:limit as integer))"), {"limit": limit})
        found = [row[0] for row in rows]
        database.rollback()
    return found


def list_desk_managers(scope: Scope) -> list[UUID]:
    """Who may set up the desk, and so can do something about a mailbox that fails."""
    may = {role.key for role in list_roles(scope) if MANAGE in role.rights.permissions}
    return [user.id for user in list_users(scope) if (user.role_id or user.role) in may]


def count_waiting(scope: Scope) -> dict[str, int]:
    """How many mails stand where, by state."""
    rows = db.session.execute(
        select(ReceivedMail.state, func.count())
        .where(ReceivedMail.tenant_id == scope.tenant_id)
        .group_by(ReceivedMail.state)
    )
    return {row[0]: row[1] for row in rows}
