"""What every way in shares: where a request comes from, the cookies of whoever arrives, and where they go on to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_login
from flask import Response, after_this_request, current_app, request, session, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from app.accounts.actions import ENROLMENT, Origin, Party, SignIn, Waiting
from app.accounts.gate import SignedInUser, session_identity
from app.accounts.rules import FRESH
from app.config import Settings
from app.core import hx
from app.core.clock import now
from app.core.links import ours_or
from app.core.paths import TENANT_IN_PATH

_DEVICE_SECONDS = 400 * 24 * 3600
_MOST_DEVICES = 5
_WAITING = "waiting"


def origin() -> Origin:
    """Where this request comes from."""
    return Origin(request.remote_addr, request.user_agent.string, _devices())


def party() -> Party | None:
    """Whom passkeys are for here; None at an address that is not under our own domain, where there are none."""
    base = settings().base_domain.lower()
    host = request.host.partition(":")[0].lower()
    if host != base and not host.endswith("." + base):
        return None
    return Party(base, f"{request.scheme}://{request.host}")


def enter(made: SignIn) -> None:
    """A new cookie for a new session: nothing of the one before is kept (flask-login would keep it)."""
    session.clear()
    session.permanent = True
    flask_login.login_user(SignedInUser(made.token, made.scope))
    if made.device_token is not None:
        _keep_device(made.device_token)


def go_on(outcome: SignIn | Waiting, to: str = "") -> Response:
    """To where the person was going, or to what is still asked of them. `to` is one of our addresses that the request
    does not carry itself.
    """
    to = to or _next()
    if isinstance(outcome, SignIn):
        enter(outcome)
        return hx.redirect(to or url_for("accounts.home"))
    # A new cookie here too: what was fixed before the password is worth nothing after it (claim 24).
    session.clear()
    session[_WAITING] = {"token": outcome.token, "user": str(outcome.user_id)}
    step = "second_factor.confirm_authenticator" if outcome.purpose == ENROLMENT else "second_factor.ask"
    return hx.redirect(url_for(step, next=to or None))


def waiting_token() -> str:
    """What names the sign-in that waits for a second factor in this browser; empty if none does."""
    return str(session.get(_WAITING, {}).get("token", ""))


def waiting_user() -> str:
    return str(session.get(_WAITING, {}).get("user", ""))


def start_over() -> Response:
    """Back to the first step."""
    session.pop(_WAITING, None)
    hx.flash("Please start again: this sign-in ran out of time or tries.", "warning")
    return hx.redirect(url_for("accounts.sign_in", next=_next() or None))


def wanted() -> str:
    """Where the person was going, if that is ours; else the first page."""
    return _next() or url_for("accounts.home")


def is_fresh() -> bool:
    """Whether the asker proved who they are lately enough to change how they sign in."""
    identity = session_identity()
    return identity is not None and now() - identity.proved_at < FRESH


def when_fresh(view: Callable[[], Response]) -> Response:
    """The answer of `view`, or first the question who asks."""
    if is_fresh():
        return view()
    hx.flash("This changes how you sign in, so please confirm that it is you first.", "info")
    return hx.redirect(url_for("security.confirm", next=url_for("security.show")))


def settings() -> Settings:
    return current_app.extensions["fairlead.settings"]


def _next() -> str:
    return ours_or(request.values.get("next"), "", request.root_path)


def _devices() -> tuple[str, ...]:
    """The tokens of the people who have signed in to this organisation with this browser."""
    try:
        found: Any = _signer().loads(request.cookies.get(_device_cookie(), ""))
    except BadSignature:
        return ()
    return tuple(str(token) for token in found)[:_MOST_DEVICES] if isinstance(found, list) else ()


def _keep_device(token: str) -> None:
    kept = [token, *_devices()][:_MOST_DEVICES]

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            _device_cookie(),
            _signer().dumps(kept),
            max_age=_DEVICE_SECONDS,
            path=request.root_path or "/",
            httponly=True,
            samesite="Lax",
            secure=settings().secure_cookies,
        )
        return response


def _device_cookie() -> str:
    """Of one organisation's path, like the session's."""
    slug = request.environ.get(TENANT_IN_PATH)
    return f"fairlead-device-{slug}" if slug else "fairlead-device"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="device")
