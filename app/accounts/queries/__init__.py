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
from app.accounts.queries.tokens import (
    API_TOKEN_KIND,
    FAMILY_KIND,
    FoundToken,
    find_api_token,
    find_family,
    get_api_token,
    list_api_tokens,
)

__all__ = [
    "API_TOKEN_KIND",
    "FAMILY_KIND",
    "GLOBAL",
    "TENANT_KIND",
    "FoundToken",
    "Identity",
    "SessionIdentity",
    "TenantInfo",
    "UserInfo",
    "find_api_token",
    "find_family",
    "find_identity",
    "find_person",
    "find_tenant",
    "find_user_by_email",
    "get_api_token",
    "get_tenant",
    "get_user",
    "list_api_tokens",
    "list_tenants",
    "list_users",
    "rights_of",
    "scope_of",
    "system_scope",
    "token_hash",
    "user_scope",
]
