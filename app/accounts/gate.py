"""What the request pipeline asks of accounts: which tenant is meant, and who is signed in to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import flask_login
from flask import Flask, current_app, g, session

from app.accounts import queries
from app.accounts.queries import Identity, TenantInfo
from app.accounts.rules import is_expired
from app.config import Settings
from app.core import cache, people
from app.core.clock import now
from app.core.pipeline import Tenant
from app.core.scope import Scope
from app.extensions import login

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


def find_scope(tenant: Tenant) -> Scope | None:
    """Who is signed in to this tenant, by the session cookie."""
    if "_user_id" not in session:
        return None
    user = flask_login.current_user
    return user.scope if user.is_authenticated else None


def load_user(token: str) -> SignedInUser | None:
    """flask-login's loader: the token must be of a living session of this tenant, its owner not disabled."""
    tenant = tenant_info()
    if tenant is None:
        return None
    at = now()
    identity = queries.find_identity(tenant.id, token, at)
    if identity is None or identity.disabled or _is_over(identity):
        return None
    return SignedInUser(token, queries.scope_of(tenant, identity, at))


def _people(scope: Scope) -> list[people.Person]:
    """Who can own a record, for the storeys that may not know accounts."""
    users = queries.list_users(scope, disabled=True)
    return [people.Person(user.id, user.name, user.email, not user.disabled) for user in users]


def _is_over(identity: Identity) -> bool:
    settings: Settings = current_app.extensions["fairlead.settings"]
    return is_expired(
        now(),
        expires_at=identity.expires_at,
        last_seen_at=identity.last_seen_at,
        idle=timedelta(seconds=settings.session_idle),
    )
