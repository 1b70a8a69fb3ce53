"""Programs that ask: what the `Authorization` header of a request under `/api/` stands for.

Two kinds: a personal token (`flp_…`), which may do what its scopes say and its owner may, and an access token of a
sign-in, which may do what the person may. The person's rights are those of this very moment in either case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from flask import g, request

from app.accounts import access_tokens, queries
from app.accounts.access_tokens import AccessClaims, BadToken
from app.accounts.queries import TenantInfo
from app.accounts.rules import PERSONAL, tenant_of_token
from app.core.clock import now
from app.core.errors import Forbidden
from app.core.scope import Scope

_UNKNOWN = "This token is unknown, was revoked or has expired."


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as it was sent: well formed, and of which organisation it says it is."""

    tenant_id: UUID
    personal: str = ""
    access: AccessClaims | None = None


def presented() -> Presented | None:
    """The token of this request; None without one, or with something that is none. Read once a request."""
    if "bearer" not in g:
        g.bearer = _read(_sent(), now())
    return g.bearer


def problem() -> str | None:
    """What is wrong with the token that was sent; None if none was."""
    return g.get("bearer_problem")


def tenant_of_bearer() -> str | None:
    """The organisation of the token, if there is such a one."""
    token = presented()
    if token is None:
        return None
    tenant = queries.find_tenant(str(token.tenant_id))
    if tenant is None:
        g.bearer_problem = _UNKNOWN
        return None
    return str(tenant.id)


def find_bearer_scope(tenant: TenantInfo) -> Scope | None:
    """Who the token stands for in this tenant, with no more than its scopes; None without a good one.

    Raises:
        Forbidden: the token is of another organisation.
    """
    token, at = presented(), now()
    if token is None:
        return None
    if token.tenant_id != tenant.id:
        raise Forbidden("This token is of another organisation than the address.")
    scope = _personal(tenant, token.personal, at) if token.access is None else _signed_in(tenant, token.access, at)
    if scope is None:
        g.bearer_problem = _UNKNOWN
    return scope


def family_id() -> UUID | None:
    """The sign-in that the access token of this request came of; None for a personal token, or without any."""
    token = presented()
    return token.access.family_id if token and token.access else None


def _sent() -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750, 2.1). Never from the address, which is logged."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _read(text: str | None, at: datetime) -> Presented | None:
    if text is None:
        return None
    tenant_id = tenant_of_token(text, PERSONAL)
    if tenant_id is not None:
        return Presented(tenant_id, personal=text)
    try:
        claims = access_tokens.read(text, at)
    except BadToken as wrong:
        g.bearer_problem = str(wrong)
        return None
    return Presented(claims.tenant_id, access=claims)


def _personal(tenant: TenantInfo, text: str, at: datetime) -> Scope | None:
    found = queries.find_api_token(tenant.id, text, at)
    scope = _scope(tenant, found.user_id, at) if found else None
    return replace(scope, permissions=scope.permissions & found.scopes) if scope and found else None


def _signed_in(tenant: TenantInfo, claims: AccessClaims, at: datetime) -> Scope | None:
    owner = queries.find_family(tenant.id, claims.family_id, at)
    return _scope(tenant, owner, at) if owner is not None and owner == claims.user_id else None


def _scope(tenant: TenantInfo, user_id: UUID, at: datetime) -> Scope | None:
    who = queries.find_person(tenant.id, user_id)
    return None if who is None or who.disabled else queries.scope_of(tenant, who, at)
