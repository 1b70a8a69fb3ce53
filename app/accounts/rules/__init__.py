"""The rules of accounts, by subject; import from here. Standard library only, and zxcvbn, which is arithmetic too."""

from app.accounts.rules.addresses import email_key, is_reserved, is_slug, name_key
from app.accounts.rules.granting import OWNER, why_not_member, why_not_role, why_not_team
from app.accounts.rules.guarding import Standing
from app.accounts.rules.links import CONFIRM_ADDRESS, INVITATION, NEW_PASSWORD, PURPOSES, UNDO_ADDRESS, Dead
from app.accounts.rules.policy import BOUNDS, KEPT_FOR_GOOD, Policy
from app.accounts.rules.roles import CUSTOM, ROLES, Rights, can_grant, permissions_of, rights_of_custom, rights_of_role
from app.accounts.rules.second_factor import FRESH, must_have_second_factor
from app.accounts.rules.sessions import RENEWAL_GRACE, is_expired
from app.accounts.rules.single_sign_on import (
    ProviderValues,
    groups_of,
    is_address,
    is_verified,
    may_vouch,
    proved_twice,
    role_of_groups,
)
from app.accounts.rules.strength import PASSWORD_MAX, PASSWORD_MIN, Strength, judge_password
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

__all__ = [
    "ACCESS_LIFETIME",
    "API_TOKEN_LIFETIME",
    "BOUNDS",
    "CONFIRM_ADDRESS",
    "CUSTOM",
    "FAMILY_LIFETIME",
    "FRESH",
    "INVITATION",
    "KEPT_FOR_GOOD",
    "NEW_PASSWORD",
    "OWNER",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "PERSONAL",
    "PURPOSES",
    "REFRESH",
    "REFRESH_GRACE",
    "REFRESH_LIFETIME",
    "RENEWAL_GRACE",
    "ROLES",
    "UNDO_ADDRESS",
    "Dead",
    "Policy",
    "ProviderValues",
    "Rights",
    "Standing",
    "Strength",
    "can_grant",
    "email_key",
    "groups_of",
    "hint_of",
    "is_address",
    "is_expired",
    "is_reserved",
    "is_slug",
    "is_verified",
    "judge_password",
    "may_vouch",
    "must_have_second_factor",
    "name_key",
    "new_token",
    "permissions_of",
    "proved_twice",
    "rights_of_custom",
    "rights_of_role",
    "role_of_groups",
    "tenant_of_token",
    "why_not_member",
    "why_not_role",
    "why_not_team",
    "write_token",
]
