"""How one signs in: second factors, passkeys, recovery codes; and confirming that it is still the same person."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request, session, url_for

from app.accounts import actions, totp
from app.accounts.actions import SignInOver
from app.accounts.gate import session_identity, tenant_info
from app.accounts.queries import TenantInfo, factors_of, get_user
from app.accounts.routes.arriving import origin, party, wanted, when_fresh
from app.accounts.rules import must_have_second_factor
from app.core import hx
from app.core.access import signed_in
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place
from app.extensions import limiter

blueprint = Blueprint("security", __name__)
_SETTING_UP = "authenticator"
_MOST_TYPED = 60


def init_app(app: Flask) -> None:
    add_place(app, Place("security.show", "Sign-in and security", "shield-lock", area="account", order=10))


@blueprint.get("/account/security")
@signed_in
def show() -> Response:
    scope, tenant = current_scope(), _tenant()
    assert scope.user_id is not None
    user = get_user(scope, scope.user_id)
    return hx.page(
        "accounts/security.html",
        factors=factors_of(scope.tenant_id, scope.user_id),
        required=must_have_second_factor(tenant.policy.second_factor_for, user.role, user.role_id),
        passkeys_work=party() is not None,
    )


@blueprint.post("/account/security/authenticator/start")
@signed_in
def start_authenticator() -> Response:
    return when_fresh(_start_authenticator)


@blueprint.get("/account/security/authenticator")
@signed_in
def show_authenticator() -> Response:
    return _authenticator_page()


@blueprint.post("/account/security/authenticator")
@signed_in
@limiter.limit("20 per 5 minutes")
def add_authenticator() -> Response:
    return when_fresh(_add_authenticator)


@blueprint.post("/account/security/authenticator/delete")
@signed_in
def delete_authenticator() -> Response:
    return when_fresh(_delete_authenticator)


@blueprint.post("/account/security/codes")
@signed_in
def create_codes() -> Response:
    return when_fresh(_create_codes)


@blueprint.route("/account/confirm", methods=["GET", "POST"])
@signed_in
@limiter.limit("10 per 5 minutes", methods=["POST"])
def confirm() -> Response:
    """Asks for the password once more; a passkey goes to passkeys.confirm_me."""
    if request.method == "GET":
        return _confirm_page()
    scope, identity = current_scope(), session_identity()
    if identity is None:
        raise NotFound
    password = request.form.get("password", "")
    if not password:
        return _confirm_page({"password": "Enter your password."}, 422)
    try:
        actions.check_password(_tenant(), origin(), email=scope.user_email, password=password, at=now())
    except Invalid:
        sentence = "That is not your password. Try again; after several tries you have to wait for a while."
        return _confirm_page({"password": sentence}, 422)
    actions.confirm_session(scope, identity.session_id, actions.PASSWORD)
    return hx.redirect(wanted())


def _start_authenticator() -> Response:
    session[_SETTING_UP] = actions.begin_authenticator(current_scope())
    return hx.redirect(url_for("security.show_authenticator"))


def _add_authenticator() -> Response:
    token = str(session.get(_SETTING_UP, ""))
    try:
        codes = actions.add_authenticator(current_scope(), token, request.form.get("code", "")[:_MOST_TYPED])
    except SignInOver:
        return _too_late()
    except Invalid as refused:
        return _authenticator_page(refused.errors, 422)
    session.pop(_SETTING_UP, None)
    if codes:
        return hx.page("accounts/recovery_codes.html", codes=codes, added="Your authenticator app is ready.")
    hx.flash("Your authenticator app is ready.")
    return hx.redirect(url_for("security.show"))


def _delete_authenticator() -> Response:
    try:
        actions.remove_authenticator(current_scope(), _tenant())
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("security.show"))
    hx.flash("The authenticator app was removed.")
    return hx.redirect(url_for("security.show"))


def _create_codes() -> Response:
    try:
        codes = actions.renew_recovery_codes(current_scope())
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("security.show"))
    return hx.page("accounts/recovery_codes.html", codes=codes, added="")


def _authenticator_page(problems: dict[str, str] | None = None, status: int = 200) -> Response:
    scope = current_scope()
    secret = actions.find_new_secret(scope, str(session.get(_SETTING_UP, "")))
    if secret is None:
        return _too_late()
    address = totp.address_of(secret, scope.user_email, f"Fairlead {scope.tenant_name}")
    return hx.page(
        "accounts/authenticator.html",
        status=status,
        problems=problems or {},
        picture=totp.picture_of(address),
        address=address,
        secret=totp.grouped(secret),
    )


def _confirm_page(problems: dict[str, str] | None = None, status: int = 200) -> Response:
    scope = current_scope()
    assert scope.user_id is not None
    user = get_user(scope, scope.user_id)
    return hx.page(
        "accounts/confirm.html",
        status=status,
        problems=problems or {},
        next=wanted(),
        has_password=user.password_hash is not None,
        passkeys=bool(factors_of(scope.tenant_id, user.id).passkeys) and party() is not None,
    )


def _too_late() -> Response:
    session.pop(_SETTING_UP, None)
    hx.flash("Setting up took too long, so it was stopped. Start again.", "warning")
    return hx.redirect(url_for("security.show"))


def _tenant() -> TenantInfo:
    found = tenant_info()
    if found is None:
        raise NotFound
    return found
