"""What can be done with tenants, people and sessions, by subject; import from here."""

from app.accounts.actions.addresses import (
    Restored,
    ask_for_address,
    ask_for_confirmation,
    confirm_address,
    restore_address,
)
from app.accounts.actions.api_tokens import (
    MAX_API_TOKENS,
    NewApiToken,
    create_api_token,
    revoke_api_token,
    revoke_api_tokens,
)
from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge, purge_challenges
from app.accounts.actions.families import Tokens, begin_family, purge_families, refresh_family, revoke_family
from app.accounts.actions.invitations import accept_invitation, invite_user, resend_invitation, withdraw_invitation
from app.accounts.actions.links import (
    DeadLink,
    end_links,
    issue_link,
    look_at_link,
    purge_links,
    record_use,
    redeem_link,
)
from app.accounts.actions.organisation import change_organisation
from app.accounts.actions.people import create_user
from app.accounts.actions.profiles import update_profile
from app.accounts.actions.recovery import answer_forgotten, ask_for_password, change_password, set_password_by_link
from app.accounts.actions.rights import change_role, change_teams, disable_user, enable_user, end_sessions_of
from app.accounts.actions.roles import RoleFacts, create_role, delete_role, update_role
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
from app.accounts.actions.teams import create_team, delete_team, update_team
from app.accounts.actions.tenants import create_tenant

__all__ = [
    "MAX_API_TOKENS",
    "REFUSED",
    "DeadLink",
    "NewApiToken",
    "Origin",
    "Restored",
    "RoleFacts",
    "SignIn",
    "Tokens",
    "accept_invitation",
    "answer_forgotten",
    "ask_for_address",
    "ask_for_confirmation",
    "ask_for_password",
    "ask_renewal",
    "begin_challenge",
    "begin_family",
    "begin_session",
    "change_organisation",
    "change_password",
    "change_role",
    "change_teams",
    "confirm_address",
    "create_api_token",
    "create_role",
    "create_team",
    "create_tenant",
    "create_user",
    "delete_role",
    "delete_team",
    "disable_user",
    "enable_user",
    "end_challenge",
    "end_links",
    "end_sessions",
    "end_sessions_of",
    "find_challenge",
    "invite_user",
    "issue_link",
    "look_at_link",
    "purge_challenges",
    "purge_families",
    "purge_links",
    "record_use",
    "redeem_link",
    "refresh_family",
    "renew_session",
    "resend_invitation",
    "restore_address",
    "revoke_api_token",
    "revoke_api_tokens",
    "revoke_family",
    "set_password_by_link",
    "sign_in",
    "sign_out",
    "update_profile",
    "update_role",
    "update_team",
    "withdraw_invitation",
]
