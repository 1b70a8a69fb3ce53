"""Signing in with a password, up to the second factor or the session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.accounts import passwords
from app.accounts.actions import guarding
from app.accounts.actions.challenges import begin_challenge
from app.accounts.actions.devices import Origin
from app.accounts.actions.guarding import Account, Try, Where
from app.accounts.actions.second_factor import sealed_secret
from app.accounts.actions.sessions import ENROLMENT, PASSWORD, SECOND_FACTOR, SignIn, begin_session
from app.accounts.models import User
from app.accounts.queries import TenantInfo, factors_of, find_device, find_user_by_email, get_user, system_scope
from app.accounts.rules import PASSWORD_MAX, must_have_second_factor
from app.core import db as database
from app.core.errors import Invalid

REFUSED = (
    "This e-mail address and password do not fit together. Check both. After several tries sign-in is held for a "
    "while: wait a few minutes, or set a new password."
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The password was right, and that is not enough: a second factor is asked for, or has to be set up first.

    `token` names what is waited for (models.Challenge); there is no session yet.
    """

    token: str
    user_id: UUID
    purpose: str


def sign_in(tenant: TenantInfo, origin: Origin, *, email: str, password: str, at: datetime) -> SignIn | Waiting:
    """Starts a session, or asks for more.

    Raises:
        Invalid: they do not fit together; see `check_password`.
    """
    user = check_password(tenant, origin, email=email, password=password, at=at)
    return proceed(tenant, user, origin, at=at)


def check_password(tenant: TenantInfo, origin: Origin, *, email: str, password: str, at: datetime) -> User:
    """The person whose password this is. Unknown address, wrong password, locked and disabled are answered alike.

    Commits twice, against the rule of one commit a request: the try is counted before the password is looked at,
    so that a hundred tries at once pass no limit; and a refusal is kept although it is answered as an error,
    which rolls back. Neither leaves anything half done.

    Raises:
        Invalid: they do not fit together, or there were too many tries.
    """
    user = find_user_by_email(email)
    device = find_device(tenant.id, user.id if user else None, origin.devices)
    account = Account(tenant, user.email if user else email, user.id if user else None)
    attempt = guarding.reserve(account, Where(origin.ip, device.id if device else None), at)
    reason = _reason(user, attempt)
    stored = user.password_hash if user is not None and reason is None else None
    database.commit()
    if not passwords.verify(stored, password[:PASSWORD_MAX]):
        raise _refused(attempt, reason or "wrong password")
    # Read again and held: a new password or a disabling meanwhile either is seen here, or ends the session we begin.
    user = get_user(system_scope(tenant.id), account.user_id, lock=True) if account.user_id else None
    if user is None or user.password_hash != stored or user.disabled_at is not None:
        raise _refused(attempt, "changed meanwhile")
    guarding.forgive(attempt)
    if user.password_hash and passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    return user


def proceed(
    tenant: TenantInfo, user: User, origin: Origin, *, at: datetime, method: str = PASSWORD
) -> SignIn | Waiting:
    """What follows a first proof: the session, or a second factor."""
    more = second_step(tenant, user, at=at, method=method)
    return begin_session(tenant, user, origin, at=at, method=method) if more is None else more


def second_step(tenant: TenantInfo, user: User, *, at: datetime, method: str = PASSWORD) -> Waiting | None:
    """What is asked of someone beside their password: a second factor if they have one or must have one."""
    has_one = factors_of(tenant.id, user.id).any
    if not has_one and not must_have_second_factor(tenant.policy.second_factor_for, user.role, user.role_id):
        return None
    purpose = SECOND_FACTOR if has_one else ENROLMENT
    secret = {} if has_one else sealed_secret(tenant.id, user.id)
    token = begin_challenge(tenant.id, purpose, at, user_id=user.id, data={"method": method, **secret})
    return Waiting(token, user.id, purpose)


def _refused(attempt: Try, reason: str) -> Invalid:
    guarding.refuse(attempt, reason)
    database.commit()
    return Invalid({"": REFUSED})


def _reason(user: User | None, attempt: Try) -> str | None:
    """Why this cannot be right whatever the password is; for the log only."""
    if attempt.locked:
        return guarding.LOCKED
    if user is None:
        return "unknown address"
    return "disabled" if user.disabled_at is not None else None
