"""What can be done with tenants, people and sessions, by subject; import from here."""

from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge, purge_challenges
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
    "REFUSED",
    "Origin",
    "SignIn",
    "ask_renewal",
    "begin_challenge",
    "begin_session",
    "create_tenant",
    "create_user",
    "end_challenge",
    "end_sessions",
    "find_challenge",
    "purge_challenges",
    "renew_session",
    "sign_in",
    "sign_out",
]
