"""Answering for a second factor, setting up an authenticator app, and removing what is no longer wanted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete

from app.accounts import totp
from app.accounts.actions import guarding
from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge
from app.accounts.actions.devices import Origin
from app.accounts.actions.guarding import Where
from app.accounts.actions.recovery_codes import drop_recovery_codes, make_recovery_codes, use_recovery_code
from app.accounts.actions.sessions import ENROLMENT, SECOND_FACTOR, SignIn, begin_session
from app.accounts.events import FactorAdded, FactorRemoved
from app.accounts.models import TOTP_SECRET, Challenge, Passkey, TotpSecret, User
from app.accounts.queries import (
    TenantInfo,
    factors_of,
    find_device,
    find_person,
    find_refusal,
    find_totp,
    get_user,
    scope_of,
    system_scope,
)
from app.accounts.rules import must_have_second_factor
from app.accounts.rules.second_factor import TRIES
from app.core import db as database
from app.core.clock import new_id
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.core.secrets import open_sealed, seal
from app.extensions import db

AUTHENTICATOR = "authenticator"
PASSKEY = "passkey"
WRONG_CODE = "That code does not fit, or was used before. Wait for the next one in your app and enter it."
WRONG_RECOVERY_CODE = "That is not one of your recovery codes, or it was used before. Enter another one."
WRONG_SETUP = "That code does not fit. Check that your device's clock is right, then enter the code it shows now."
LAST_ONE = "Your role needs a second factor. Add another one first, then remove this."


class SignInOver(Exception):
    """What was waited for has been answered, ran out of time or of tries: sign-in starts over."""


def answer_with_code(
    tenant: TenantInfo, token: str, origin: Origin, *, code: str = "", recovery_code: str = "", at: datetime
) -> SignIn:
    """Starts the session that waited for a code. Raises as `prove_with_code` does."""
    user, method = prove_with_code(tenant, token, origin, code=code, recovery_code=recovery_code, at=at)
    return begin_session(tenant, user, origin, at=at, method=method, second_factor=True)


def prove_with_code(
    tenant: TenantInfo, token: str, origin: Origin, *, code: str = "", recovery_code: str = "", at: datetime
) -> tuple[User, str]:
    """Who answered what `token` names with a code of their authenticator app or a recovery code, and how they had
    begun; nothing is waited for any more then.

    A refusal commits, against the rule that an error rolls back: the try must stay counted. The guard's row is
    locked until then, so tries at the same time are looked at one after the other.

    Raises:
        Invalid: the code is wrong, was used before, or there were too many.
        SignInOver: nothing is waited for any more.
    """
    waiting, user = _waiting(tenant, token, at)
    attempt = guarding.reserve(guarding.account_of(tenant, user), _where(tenant, user, origin), at, codes=True)
    waiting.attempts += 1
    if attempt.locked or not _is_right(tenant, user, code, recovery_code, at):
        guarding.refuse(attempt, guarding.LOCKED if attempt.locked else "wrong code")
        over = waiting.attempts >= TRIES
        if over:
            end_challenge(waiting)
        database.commit()
        if over:
            raise SignInOver
        raise Invalid({"recovery_code": WRONG_RECOVERY_CODE} if recovery_code else {"code": WRONG_CODE})
    guarding.forgive(attempt)
    return finish(waiting, user)


def finish(waiting: Challenge, user: User) -> tuple[User, str]:
    """The second proof was good: nothing is waited for any more. Returns how the first one was given, too."""
    method = str(waiting.data.get("method", "password"))
    end_challenge(waiting)
    return user, method


def find_waiting(tenant: TenantInfo, token: str, at: datetime) -> tuple[Challenge, User] | None:
    """What is waited for and from whom, for drawing the page."""
    found = find_challenge(tenant.id, SECOND_FACTOR, token, at) or find_challenge(tenant.id, ENROLMENT, token, at)
    if found is None or found.user_id is None:
        return None
    return found, get_user(system_scope(tenant.id), found.user_id)


def begin_authenticator(scope: Scope) -> str:
    """A new secret for the asker, which counts once a code of it was entered; returns the token that names it."""
    assert scope.user_id is not None
    return begin_challenge(
        scope.tenant_id,
        AUTHENTICATOR,
        scope.now,
        user_id=scope.user_id,
        data=sealed_secret(scope.tenant_id, scope.user_id),
    )


def sealed_secret(tenant_id: UUID, user_id: UUID) -> dict[str, str]:
    """A new secret for what is waited for: sealed for the person, since its row has no id yet and it moves on."""
    secret = totp.new_secret()
    sealed = seal(secret, tenant_id=tenant_id, table="challenges", row_id=user_id, column=AUTHENTICATOR)
    return {"secret": sealed}


def find_new_secret(scope: Scope, token: str) -> str | None:
    """The secret that waits for its first code; None if it waits no longer."""
    found = find_challenge(scope.tenant_id, AUTHENTICATOR, token, scope.now)
    return _opened(found) if found is not None and found.user_id == scope.user_id else None


def add_authenticator(scope: Scope, token: str, code: str) -> list[str]:
    """Takes the new secret in place of the one before; recovery codes if these are the person's first.

    Raises:
        Invalid: the code does not fit.
        SignInOver: the secret waited too long.
    """
    assert scope.user_id is not None
    found = find_challenge(scope.tenant_id, AUTHENTICATOR, token, scope.now, lock=True)
    if found is None or found.user_id != scope.user_id:
        raise SignInOver
    return _take_secret(scope, scope.user_id, found, code)


def find_required_secret(tenant: TenantInfo, token: str, at: datetime) -> str | None:
    """The secret that a sign-in waits for; None if it waits no longer."""
    found = find_challenge(tenant.id, ENROLMENT, token, at)
    return None if found is None else _opened(found)


def add_required(tenant: TenantInfo, token: str, origin: Origin, code: str, at: datetime) -> tuple[SignIn, list[str]]:
    """The first authenticator of someone whose role needs one, and the session that waited for it.

    Raises:
        Invalid: the code does not fit.
        SignInOver: nothing is waited for any more, or they have set one up meanwhile: whoever knows the password
            could put theirs in its place.
    """
    waiting, user = _waiting(tenant, token, at, purpose=ENROLMENT)
    if factors_of(tenant.id, user.id).any:
        raise SignInOver
    method = str(waiting.data.get("method", "password"))
    codes = _take_secret(_scope_of(tenant, user, at), user.id, waiting, code)
    return begin_session(tenant, user, origin, at=at, method=method, second_factor=True), codes


def remove_authenticator(scope: Scope, tenant: TenantInfo) -> None:
    """Takes the asker's authenticator app away.

    Raises:
        Invalid: it is their last second factor and their role needs one.
    """
    assert scope.user_id is not None
    row = find_totp(scope.tenant_id, scope.user_id)
    if row is None:
        return
    check_not_last(scope, tenant)
    db.session.delete(row)
    db.session.flush()
    publish(scope, FactorRemoved("second_factor", scope.user_id, AUTHENTICATOR))
    forget_codes_without_factor(scope, scope.user_id)


def renew_recovery_codes(scope: Scope) -> list[str]:
    """Ten new codes for the asker. Raises Invalid for someone without a second factor."""
    assert scope.user_id is not None
    if not factors_of(scope.tenant_id, scope.user_id).any:
        raise Invalid({"": "Recovery codes stand in for a second factor. Add one first."})
    return make_recovery_codes(scope, scope.user_id)


def remove_second_factors(scope: Scope, user_id: UUID) -> None:
    """An administrator helps someone who lost them: authenticator, passkeys and recovery codes are gone.

    Raises:
        NotFound: there is no such person here.
        Forbidden: they hold more than the asker does.
        Invalid: it is the asker, who has a page of their own for that and is asked for a fresh sign-in there.
    """
    user = get_user(scope, user_id, lock=True)
    if user.id == scope.user_id:
        raise Invalid({"": "Change your own second factors under “Your account”."})
    if why := find_refusal(scope, user):
        raise Forbidden(why)
    if not factors_of(scope.tenant_id, user.id).any:
        return
    for model in (TotpSecret, Passkey):
        db.session.execute(delete(model).where(model.tenant_id == scope.tenant_id, model.user_id == user.id))
    drop_recovery_codes(scope.tenant_id, user.id)
    publish(scope, FactorRemoved("second_factor", user.id, "all"))


def check_not_last(scope: Scope, tenant: TenantInfo) -> None:
    """Raises Invalid where the asker's role needs a second factor and they would be left with none."""
    assert scope.user_id is not None
    user = get_user(scope, scope.user_id)
    needed = must_have_second_factor(tenant.policy.second_factor_for, user.role, user.role_id)
    if needed and factors_of(scope.tenant_id, user.id).count <= 1:
        raise Invalid({"": LAST_ONE})


def forget_codes_without_factor(scope: Scope, user_id: UUID) -> None:
    """Recovery codes stand in for a second factor; without one they open nothing."""
    if not factors_of(scope.tenant_id, user_id).any:
        drop_recovery_codes(scope.tenant_id, user_id)


def _take_secret(scope: Scope, user_id: UUID, waiting: Challenge, code: str) -> list[str]:
    secret = _opened(waiting)
    step = totp.matching_step(secret, code, scope.now, after=0)
    if step is None:
        raise Invalid({"code": WRONG_SETUP})
    first = not factors_of(scope.tenant_id, user_id).any
    before = find_totp(scope.tenant_id, user_id)
    if before is not None:
        db.session.delete(before)
        db.session.flush()
    row_id = new_id()
    db.session.add(
        TotpSecret(
            tenant_id=scope.tenant_id,
            id=row_id,
            user_id=user_id,
            secret_sealed=TOTP_SECRET.seal(secret, tenant_id=scope.tenant_id, row_id=row_id),
            # The code that was just entered is used: it opens nothing any more.
            last_step=step,
            created_at=scope.now,
            confirmed_at=scope.now,
        )
    )
    end_challenge(waiting)
    publish(scope, FactorAdded("second_factor", user_id, AUTHENTICATOR))
    return make_recovery_codes(scope, user_id) if first else []


def _is_right(tenant: TenantInfo, user: User, code: str, recovery_code: str, at: datetime) -> bool:
    if recovery_code:
        return use_recovery_code(_scope_of(tenant, user, at), user.id, recovery_code, at)
    row = find_totp(tenant.id, user.id)
    if row is None or row.confirmed_at is None:
        return False
    step = totp.matching_step(TOTP_SECRET.open(row), code, at, after=row.last_step)
    if step is None:
        return False
    row.last_step = step
    return True


def _waiting(tenant: TenantInfo, token: str, at: datetime, *, purpose: str = SECOND_FACTOR) -> tuple[Challenge, User]:
    """What is waited for, locked, and from whom. Raises SignInOver."""
    waiting = find_challenge(tenant.id, purpose, token, at, lock=True)
    if waiting is None or waiting.user_id is None:
        raise SignInOver
    user = get_user(system_scope(tenant.id), waiting.user_id, lock=True)
    if user.disabled_at is not None:
        raise SignInOver
    return waiting, user


def _where(tenant: TenantInfo, user: User, origin: Origin) -> Where:
    device = find_device(tenant.id, user.id, origin.devices)
    return Where(origin.ip, device.id if device else None)


def _scope_of(tenant: TenantInfo, user: User, at: datetime) -> Scope:
    """Of someone who is about to come in."""
    who = find_person(tenant.id, user.id)
    assert who is not None
    return scope_of(tenant, who, at)


def _opened(waiting: Challenge) -> str:
    assert waiting.user_id is not None
    return open_sealed(
        str(waiting.data["secret"]),
        tenant_id=waiting.tenant_id,
        table="challenges",
        row_id=waiting.user_id,
        column=AUTHENTICATOR,
    )
