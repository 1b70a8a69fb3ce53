"""Programs that sign in with a person's password: the same guard and the same answers as in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.accounts.actions.challenges import LIFETIME
from app.accounts.actions.devices import Origin
from app.accounts.actions.families import Tokens, begin_family
from app.accounts.actions.second_factor import prove_with_code
from app.accounts.actions.sessions import ENROLMENT
from app.accounts.actions.signing_in import check_password, second_step
from app.accounts.queries import TenantInfo, factors_of
from app.core import db as database
from app.core.errors import Forbidden

TOTP, RECOVERY_CODE = "totp", "recovery_code"
_SET_UP = "Your role needs a second factor. Sign in with a browser first and set one up, or use a personal token."
_PASSKEY = "Your second factor is a passkey, which works in a browser only. Make a personal token there instead."


@dataclass(frozen=True, slots=True)
class MoreNeeded:
    """The password was right; `challenge` names what is waited for, and `methods` say what answers it."""

    challenge: str
    methods: tuple[str, ...]
    seconds: int = int(LIFETIME.total_seconds())


def sign_in_program(
    tenant: TenantInfo, origin: Origin, *, email: str, password: str, at: datetime
) -> Tokens | MoreNeeded:
    """Tokens, or the question for a second factor.

    Commits before it says that there is no way on, against the rule that an error rolls back: the password was right,
    and the try must not stay counted as failed.

    Raises:
        Invalid: address and password do not fit together; see `check_password`, which commits.
        Forbidden: a second factor is needed that a program cannot give.
    """
    user = check_password(tenant, origin, email=email, password=password, at=at)
    waiting = second_step(tenant, user, at=at)
    if waiting is None:
        return begin_family(tenant, user, origin, at=at)
    if waiting.purpose == ENROLMENT:
        database.commit()
        raise Forbidden(_SET_UP)
    factors = factors_of(tenant.id, user.id)
    held = {TOTP: factors.authenticator_since is not None, RECOVERY_CODE: factors.codes_left > 0}
    methods = tuple(name for name, there in held.items() if there)
    if not methods:
        database.commit()
        raise Forbidden(_PASSKEY)
    return MoreNeeded(waiting.token, methods)


def answer_program(
    tenant: TenantInfo, challenge: str, origin: Origin, *, code: str, recovery_code: str, at: datetime
) -> Tokens:
    """The tokens that waited for a second factor.

    Raises:
        Invalid: the code is not right, or was used before, or there were too many.
        SignInOver: nothing is waited for any more.
    """
    user, _ = prove_with_code(tenant, challenge, origin, code=code, recovery_code=recovery_code, at=at)
    return begin_family(tenant, user, origin, at=at, second_factor=True)
