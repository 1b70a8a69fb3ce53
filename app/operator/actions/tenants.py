"""Organisations: made, suspended, resumed; their first owner invited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import actions as accounts
from app.accounts.queries import TENANT_KIND, find_user_by_email, system_scope
from app.core import cache, live, queue
from app.core import db as database
from app.core.errors import Conflict, NotFound
from app.core.events import Event, EventRow, OutboxRow, event_columns
from app.core.scope import Scope, tenant_context, writable
from app.operator import store
from app.operator.actions.logging import Actor, record
from app.operator.events import TenantCreated, TenantResumed, TenantSuspended
from app.operator.queries import find_tenant, get_tenant, list_owners

NAME = "The operator"
"""Who did it, in the organisation's own log."""


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What an organisation is made of. `id` is chosen with the form, so that one sent twice makes one."""

    id: UUID
    slug: str
    name: str
    zone: str = "UTC"
    locale: str = "en"
    region: str = "US"
    currency: str = "USD"


def create_tenant(session: Session, actor: Actor, new: NewTenant) -> bool:
    """Makes the organisation, in a transaction of it; False if this very form has made it before.

    Raises:
        Invalid: the slug cannot stand in an address, is reserved, or the zone is unknown.
        Conflict: another organisation has the slug.
    """
    taken = find_tenant(session, new.slug)
    if taken is not None:
        if taken.id == new.id:
            return False
        raise Conflict(f"There is an organisation {new.slug} already.")
    try:
        with session.begin_nested():
            row = accounts.create_tenant(session, tenant_id=new.id, at=actor.now, **_facts(new))
    except IntegrityError as second:
        raise Conflict(f"There is an organisation {new.slug} already.") from second
    record(session, actor, "tenant.created", about=(new.id, new.name), slug=new.slug)
    _publish(session, actor, _scope(new.id, new.name, new.slug), TenantCreated("tenant", row, new.slug, new.name))
    return True


def invite_owner(actor: Actor, tenant_id: UUID, *, email: str, name: str) -> bool:
    """Adds an owner who has not come yet, and mails them; as the application, which people belong to.

    False if that address is here already. Commits: the organisation stands whether this succeeds or not.

    Raises:
        Invalid: that is no e-mail address.
    """
    with tenant_context(tenant_id), writable():
        if find_user_by_email(email) is not None:
            database.rollback()
            return False
        try:
            scope = replace(system_scope(tenant_id), user_name=NAME, now=actor.now)
            accounts.invite_user(scope, email=email, name=name, role="owner")
            database.commit()
        except Conflict:
            database.rollback()
            return False
        except BaseException:
            database.rollback()
            raise
    return True


def record_invitation(session: Session, actor: Actor, tenant_id: UUID, user_id: UUID) -> None:
    """Writes down that an owner is invited again. Raises NotFound when there is no such owner."""
    row = get_tenant(session, tenant_id)
    if user_id not in {owner.id for owner in list_owners(session)}:
        raise NotFound("There is no such owner.")
    record(session, actor, "owner.invited_again", about=(row.id, row.name), user_id=user_id)


def send_owner_again(actor: Actor, tenant_id: UUID, user_id: UUID) -> None:
    """Mails an invited owner a new link.

    Raises:
        Conflict: they have joined already.
        NotFound: there is no such person.
    """
    with tenant_context(tenant_id), writable():
        try:
            scope = replace(system_scope(tenant_id), user_name=NAME, now=actor.now)
            accounts.resend_invitation(scope, user_id)
            database.commit()
        except BaseException:
            database.rollback()
            raise


def suspend_tenant(session: Session, actor: Actor, tenant_id: UUID, reason: str) -> bool:
    """Closes the organisation to its people and programs at once; its owners are told. False if it is already."""
    row = get_tenant(session, tenant_id, lock=True)
    if row.suspended_at is not None:
        return False
    row.suspended_at = actor.now
    session.flush()
    record(session, actor, "tenant.suspended", about=(row.id, row.name), reason=reason)
    _publish(session, actor, _scope(row.id, row.name, row.slug), TenantSuspended("tenant", row.id, reason))
    return True


def resume_tenant(session: Session, actor: Actor, tenant_id: UUID, reason: str = "") -> bool:
    """Opens it again, with everything that was there. False if it is open."""
    row = get_tenant(session, tenant_id, lock=True)
    if row.suspended_at is None:
        return False
    row.suspended_at = None
    session.flush()
    record(session, actor, "tenant.resumed", about=(row.id, row.name), reason=reason)
    _publish(session, actor, _scope(row.id, row.name, row.slug), TenantResumed("tenant", row.id, reason))
    return True


def _publish(session: Session, actor: Actor, scope: Scope, event: Event) -> None:
    """As `core.events.publish`, with the operator's session: the same rows, the same things after the commit."""
    row = event_columns(replace(scope, user_name=NAME, now=actor.now), event)
    session.add_all([EventRow(**row), OutboxRow(tenant_id=scope.tenant_id, id=row["id"], lease_until=actor.now)])
    session.flush()
    store.later(session, lambda: cache.bump(scope.tenant_id, TENANT_KIND))
    store.later(session, lambda: live.tell_at_once(scope.tenant_id, TENANT_KIND))
    store.later(session, lambda: queue.enqueue_once("jobs.events.dispatch", tenant_id=scope.tenant_id))


def _scope(tenant_id: UUID, name: str, slug: str) -> Scope:
    return Scope(tenant_id, name, slug)


def _facts(new: NewTenant) -> dict[str, Any]:
    return {name: getattr(new, name) for name in ("slug", "name", "zone", "locale", "region", "currency")}
