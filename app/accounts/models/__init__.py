"""What accounts stores, by subject; import from here."""

from app.accounts.models.credentials import TOTP_SECRET, Passkey, RecoveryCode, TotpSecret
from app.accounts.models.people import Role, Team, TeamMember, User
from app.accounts.models.sessions import Challenge, Device, SignInGuard, UserSession
from app.accounts.models.single_sign_on import CLIENT_SECRET, ExternalIdentity, IdentityProvider
from app.accounts.models.tenants import TenantRecord
from app.accounts.models.tokens import ApiToken, Link, RefreshToken, TokenFamily

__all__ = [
    "CLIENT_SECRET",
    "TOTP_SECRET",
    "ApiToken",
    "Challenge",
    "Device",
    "ExternalIdentity",
    "IdentityProvider",
    "Link",
    "Passkey",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "SignInGuard",
    "Team",
    "TeamMember",
    "TenantRecord",
    "TokenFamily",
    "TotpSecret",
    "User",
    "UserSession",
]
