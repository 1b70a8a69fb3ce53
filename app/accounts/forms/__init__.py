"""The forms of accounts, by subject; import from here."""

from app.accounts.forms.passwords import ChangePasswordForm, ForgottenForm, JoinForm, NewPasswordForm
from app.accounts.forms.people import MOST_AT_ONCE, Invitee, InviteForm, PersonRoleForm, PersonTeamsForm
from app.accounts.forms.profile import AddressForm, ProfileForm, locale_choices, zone_choices
from app.accounts.forms.providers import ProviderForm
from app.accounts.forms.roles import RoleForm, TeamForm
from app.accounts.forms.signing_in import SignInForm
from app.accounts.forms.tokens import LIVES, TokenForm

__all__ = [
    "LIVES",
    "MOST_AT_ONCE",
    "AddressForm",
    "ChangePasswordForm",
    "ForgottenForm",
    "InviteForm",
    "Invitee",
    "JoinForm",
    "NewPasswordForm",
    "PersonRoleForm",
    "PersonTeamsForm",
    "ProfileForm",
    "ProviderForm",
    "RoleForm",
    "SignInForm",
    "TeamForm",
    "TokenForm",
    "locale_choices",
    "zone_choices",
]
