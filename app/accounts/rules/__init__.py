"""The rules of accounts, by subject; import from here. Standard library only."""

from app.accounts.rules.addresses import email_key, is_slug, name_key
from app.accounts.rules.policy import Policy
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

PASSWORD_MIN = 12
PASSWORD_MAX = 200

__all__ = [
    "CUSTOM",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "RENEWAL_GRACE",
    "ROLES",
    "Policy",
    "Rights",
    "can_grant",
    "email_key",
    "is_expired",
    "is_slug",
    "name_key",
    "permissions_of",
    "rights_of_custom",
    "rights_of_role",
]
