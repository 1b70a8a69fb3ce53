"""Who there is: tenants, people and sessions. By subject; import from here."""

from app.accounts.queries.identities import (
    Identity,
    SessionIdentity,
    find_identity,
    find_person,
    rights_of,
    scope_of,
    system_scope,
    token_hash,
    user_scope,
)
from app.accounts.queries.people import UserInfo, find_user_by_email, get_user, list_users
from app.accounts.queries.tenants import GLOBAL, TENANT_KIND, TenantInfo, find_tenant, get_tenant, list_tenants

__all__ = [
    "GLOBAL",
    "TENANT_KIND",
    "Identity",
    "SessionIdentity",
    "TenantInfo",
    "UserInfo",
    "find_identity",
    "find_person",
    "find_tenant",
    "find_user_by_email",
    "get_tenant",
    "get_user",
    "list_tenants",
    "list_users",
    "rights_of",
    "scope_of",
    "system_scope",
    "token_hash",
    "user_scope",
]
