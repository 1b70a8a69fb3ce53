"""What the request pipeline asks of accounts: which tenant is meant, and who is signed in to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import flask_login
from flask import Flask, current_app, g, session

from app.accounts import actions, bearer, queries
from app.accounts.queries import SessionIdentity, TenantInfo, account_hash
from app.accounts.rules import is_expired
from app.config import Settings
from app.core import cache, people, tenants
from app.core import db as database
from app.core.clock import now
from app.core.live.topics import rights_of
from app.core.pipeline import Tenant, Watch, is_unattended
from app.core.scope import Scope, writable
from app.extensions import login

_NOWHERE = UUID(int=0)
_EMAIL_MAX = 254
# Which tenant a name meant last: only a hint of what to read ahead.
_known: dict[str, UUID] = {}


@dataclass(frozen=True, slots=True)
class SignedInUser(flask_login.UserMixin):
    """A person as flask-login knows them: its id is the session's token, never the person's own."""

    token: str
    scope: Scope

    def get_id(self) -> str:
        return self.token


def init_app(app: Flask) -> None:
    # Without its context processor, which would ask the database who is there while the page about the
    # database being away is drawn.
    login.init_app(app, add_context_processor=False)
    login.session_protection = None
    login.user_loader(load_user)
    people.provided_by(_people)
    tenants.provided_by(_is_suspended)


def find_tenant(name: str) -> Tenant | None:
    """By slug or id, through the cache."""
    if name in _known:
        cache.foresee(queries.GLOBAL, _known[name])
    found = queries.find_tenant(name)
    if found is None:
        return None
    _known[found.slug] = found.id
    g.tenant_info = found
    return Tenant(found.id, found.slug, found.name, found.suspended)


def tenant_info() -> TenantInfo | None:
    """The tenant of this request with its settings, signed in or not."""
    return g.get("tenant_info")


def account_key(email: object) -> str:
    """Whose account is tried, as limits count it: Redis keeps the key for an hour, so it is no address (claim 33)."""
    tenant = tenant_info()
    return account_hash(tenant.id if tenant else _NOWHERE, email[:_EMAIL_MAX] if isinstance(email, str) else "")


def find_scope(tenant: Tenant) -> Scope | None:
    """Who is signed in to this tenant, by the session cookie."""
    if "_user_id" not in session:
        return None
    user = flask_login.current_user
    return user.scope if user.is_authenticated else None


def find_bearer_scope(tenant: Tenant) -> Scope | None:
    """Who the token of an API request stands for, with no more than its scopes; None without a good one.

    Raises:
        Forbidden: the token is of another organisation.
    """
    info = tenant_info()
    return bearer.find_bearer_scope(info) if info else None


def tenant_of_bearer() -> str | None:
    """The organisation the request's token says it is of, when the address does not name one."""
    return bearer.tenant_of_bearer()


def bearer_problem() -> str | None:
    """What is wrong with the token that the request carries; None if it carries none."""
    return bearer.problem()


def session_identity() -> SessionIdentity | None:
    """The session of this request; None for programs and for nobody."""
    return g.get("session_identity")


def load_user(token: str) -> SignedInUser | None:
    """flask-login's loader: the token must be of a living session of this tenant, its owner not disabled."""
    tenant = tenant_info()
    if tenant is None:
        return None
    at = now()
    found = _living(tenant, token, at, used=not is_unattended())
    if found is None:
        return None
    g.session_identity = found
    return SignedInUser(_renewed(tenant, found, at) or token, queries.scope_of(tenant, found.who, at))


def watch(scope: Scope) -> Watch:
    """Looks after the session of this request: its end, another token, a change of rights, suspension."""
    identity, token = session_identity(), flask_login.current_user.get_id()
    assert identity is not None
    tenant_id, user_id, rights = scope.tenant_id, scope.user_id, rights_of(scope)

    def holds() -> bool:
        tenant = queries.find_tenant(str(tenant_id))
        if tenant is None or tenant.suspended:
            return False
        at = now()
        found = _living(tenant, token, at, used=False)
        return found is not None and not found.renew and rights_of(queries.scope_of(tenant, found.who, at)) == rights

    names = {f"session:{identity.session_id}", f"session:{user_id}", f"user:{user_id}", queries.TENANT_KIND}
    return Watch(str(identity.session_id), frozenset(names), holds)


def _living(tenant: TenantInfo, token: str, at: datetime, *, used: bool) -> SessionIdentity | None:
    """The session of this token, unless it is over or its owner disabled."""
    found = queries.find_identity(tenant.id, token, at, used=used)
    if found is not None and not used and _is_over(tenant, found, at):
        # What was kept for a page that asks by itself may not know that somebody used the session since.
        found = queries.find_identity(tenant.id, token, at, used=False, fresh=True)
    if found is None or found.who.disabled or _is_over(tenant, found, at):
        return None
    return found


def _renewed(tenant: TenantInfo, found: SessionIdentity, at: datetime) -> str | None:
    """The session's new token, if the person's rights changed since it began. Written at once, whatever comes
    of the request: the browser gets it with the answer, and an answer is given in any case.
    """
    if not found.renew:
        return None
    with writable():
        token = actions.renew_session(tenant.id, found.session_id, at)
        database.commit()
    if token is not None:
        session["_user_id"] = token
    return token


def _is_suspended(tenant_id: UUID) -> bool:
    """For work that lasts, such as an import. Who is gone is as good as suspended."""
    found = queries.find_tenant(str(tenant_id))
    return found is None or found.suspended


def _people(scope: Scope) -> list[people.Person]:
    """Who can own a record, for the storeys that may not know accounts."""
    users = queries.list_users(scope, disabled=True)
    return [people.Person(user.id, user.name, user.email, not user.disabled) for user in users]


def _is_over(tenant: TenantInfo, found: SessionIdentity, at: datetime) -> bool:
    """By the tenant's rules, and never later than the installation's."""
    settings: Settings = current_app.extensions["fairlead.settings"]
    idle = min(timedelta(seconds=settings.session_idle), tenant.policy.idle)
    return is_expired(at, expires_at=found.expires_at, last_seen_at=found.last_seen_at, idle=idle)
