"""The rules of accounts, by subject; import from here. Standard library only."""

from app.accounts.rules.addresses import email_key, is_reserved, is_slug, name_key
from app.accounts.rules.policy import BOUNDS, KEPT_FOR_GOOD, Policy
from app.accounts.rules.roles import (
    CUSTOM,
    ROLES,
    Rights,
    can_grant,
    permissions_of,
    rights_of_custom,
    rights_of_role,
)
from app.accounts.rules.sessions import RENEWAL_GRACE, is_expired
from app.accounts.rules.tokens import (
    ACCESS_LIFETIME,
    API_TOKEN_LIFETIME,
    FAMILY_LIFETIME,
    PERSONAL,
    REFRESH,
    REFRESH_GRACE,
    REFRESH_LIFETIME,
    hint_of,
    new_token,
    tenant_of_token,
    write_token,
)

PASSWORD_MIN = 12
PASSWORD_MAX = 200

__all__ = [
    "ACCESS_LIFETIME",
    "API_TOKEN_LIFETIME",
    "BOUNDS",
    "CUSTOM",
    "FAMILY_LIFETIME",
    "KEPT_FOR_GOOD",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "PERSONAL",
    "REFRESH",
    "REFRESH_GRACE",
    "REFRESH_LIFETIME",
    "RENEWAL_GRACE",
    "ROLES",
    "Policy",
    "Rights",
    "can_grant",
    "email_key",
    "hint_of",
    "is_expired",
    "is_reserved",
    "is_slug",
    "name_key",
    "new_token",
    "permissions_of",
    "rights_of_custom",
    "rights_of_role",
    "tenant_of_token",
    "write_token",
]
