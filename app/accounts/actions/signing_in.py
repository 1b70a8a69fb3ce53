"""Signing in with a password."""

from __future__ import annotations

from datetime import datetime

from app.accounts import passwords
from app.accounts.actions.sessions import Origin, SignIn, begin_session
from app.accounts.queries import TenantInfo, find_user_by_email
from app.accounts.rules import PASSWORD_MAX
from app.core.errors import Invalid

REFUSED = "This e-mail address and password do not fit together."


def sign_in(tenant: TenantInfo, origin: Origin, *, email: str, password: str, at: datetime) -> SignIn:
    """Starts a session. Unknown address, wrong password and disabled account are answered alike.

    Raises:
        Invalid: they do not fit together.
    """
    user = find_user_by_email(email)
    usable = user is not None and user.disabled_at is None
    fits = passwords.verify(user.password_hash if user is not None and usable else None, password[:PASSWORD_MAX])
    if user is None or not fits:
        raise Invalid({"": REFUSED})
    if user.password_hash and passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    return begin_session(tenant, user, origin, at=at)
