"""What can be done with tenants, people and sessions, by subject; import from here."""

from app.accounts.actions.api_tokens import (
    MAX_API_TOKENS,
    NewApiToken,
    create_api_token,
    revoke_api_token,
    revoke_api_tokens,
)
from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge, purge_challenges
from app.accounts.actions.families import Tokens, begin_family, purge_families, refresh_family, revoke_family
from app.accounts.actions.organisation import change_organisation
from app.accounts.actions.people import create_user
from app.accounts.actions.sessions import (
    Origin,
    SignIn,
    ask_renewal,
    begin_session,
    end_sessions,
    renew_session,
    sign_out,
)
from app.accounts.actions.signing_in import REFUSED, sign_in
from app.accounts.actions.tenants import create_tenant

__all__ = [
    "MAX_API_TOKENS",
    "REFUSED",
    "NewApiToken",
    "Origin",
    "SignIn",
    "Tokens",
    "ask_renewal",
    "begin_challenge",
    "begin_family",
    "begin_session",
    "change_organisation",
    "create_api_token",
    "create_tenant",
    "create_user",
    "end_challenge",
    "end_sessions",
    "find_challenge",
    "purge_challenges",
    "purge_families",
    "refresh_family",
    "renew_session",
    "revoke_api_token",
    "revoke_api_tokens",
    "revoke_family",
    "sign_in",
    "sign_out",
]
