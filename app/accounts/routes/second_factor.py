"""The second step of signing in: a code, a recovery code, or setting up what the role needs."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from app.accounts import actions, totp
from app.accounts.actions import SignInOver
from app.accounts.gate import tenant_info
from app.accounts.queries import TenantInfo, factors_of
from app.accounts.routes.arriving import enter, go_on, origin, party, start_over, waiting_token, waiting_user, wanted
from app.core import hx
from app.core.access import public
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.extensions import limiter

blueprint = Blueprint("second_factor", __name__)
_LIMITS = "5 per 5 minutes; 20 per hour; 50 per day"
_MOST_TYPED = 60


def per_person() -> str:
    """Whose codes are guessed, from where."""
    return f"{request.remote_addr}|{waiting_user()}"


@blueprint.get("/sign-in/second-factor")
@public("Asks for the second factor of a sign-in whose password was right; known by its signed cookie.")
def ask() -> Response:
    if g.get("scope") is not None:
        return hx.redirect(wanted())
    return _page()


@blueprint.post("/sign-in/second-factor")
@public("Takes the second factor; the cookie names what waits for it.")
@limiter.limit(_LIMITS, key_func=per_person)
def confirm() -> Response:
    code, recovery_code = _typed("code"), _typed("recovery_code")
    missing = "recovery_code" if "recovery_code" in request.form else "code"
    if not code and not recovery_code:
        return _page({missing: "Enter the code."}, 422)
    try:
        return go_on(
            actions.answer_with_code(
                _tenant(), waiting_token(), origin(), code=code, recovery_code=recovery_code, at=now()
            )
        )
    except SignInOver:
        return start_over()
    except Invalid as refused:
        return _page(refused.errors, 422)


@blueprint.get("/sign-in/authenticator")
@public("Shows the secret that a sign-in waits for, to whoever's password was right.")
def confirm_authenticator() -> Response:
    if g.get("scope") is not None:
        return hx.redirect(wanted())
    return _enrolment_page()


@blueprint.post("/sign-in/authenticator")
@public("Takes the first code of an authenticator that the role needs.")
@limiter.limit(_LIMITS, key_func=per_person)
def add_authenticator() -> Response:
    try:
        made, codes = actions.add_required(_tenant(), waiting_token(), origin(), _typed("code"), now())
    except SignInOver:
        return start_over()
    except Invalid as refused:
        return _enrolment_page(refused.errors, 422)
    go_to = wanted()
    enter(made)
    return hx.page("accounts/first_codes.html", codes=codes, tenant=tenant_info(), next=go_to)


def _page(problems: dict[str, str] | None = None, status: int = 200) -> Response:
    found = actions.find_waiting(_tenant(), waiting_token(), now())
    if found is None or found[0].purpose != actions.SECOND_FACTOR:
        return start_over()
    factors = factors_of(_tenant().id, found[1].id)
    recovery = request.values.get("use") == "recovery" or (factors.authenticator_since is None and not party())
    return hx.page(
        "accounts/second_factor.html",
        status=status,
        problems=problems or {},
        factors=factors,
        recovery=recovery,
        passkeys=bool(factors.passkeys) and party() is not None,
        next=_next(),
        tenant=tenant_info(),
    )


def _enrolment_page(problems: dict[str, str] | None = None, status: int = 200) -> Response:
    found = actions.find_waiting(_tenant(), waiting_token(), now())
    secret = actions.find_required_secret(_tenant(), waiting_token(), now())
    if found is None or secret is None:
        return start_over()
    address = totp.address_of(secret, found[1].email, f"Fairlead {_tenant().name}")
    return hx.page(
        "accounts/required_authenticator.html",
        status=status,
        problems=problems or {},
        picture=totp.picture_of(address),
        address=address,
        secret=totp.grouped(secret),
        next=_next(),
        tenant=tenant_info(),
    )


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()[:_MOST_TYPED]


def _next() -> str:
    going = wanted()
    return "" if going.rstrip("/") == request.root_path.rstrip("/") else going


def _tenant() -> TenantInfo:
    """Raises NotFound at an address that names no organisation."""
    found = tenant_info()
    if found is None:
        raise NotFound
    return found
