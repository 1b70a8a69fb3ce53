"""One's own account: name, time zone, address and password."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, session, url_for

from app.accounts import actions, queries
from app.accounts.forms import AddressForm, ChangePasswordForm, ProfileForm, locale_choices, zone_choices
from app.accounts.gate import session_identity, tenant_info
from app.core import hx
from app.core.access import signed_in
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place
from app.extensions import limiter

blueprint = Blueprint("profile", __name__)


def init_app(app: Flask) -> None:
    add_place(app, Place("profile.show", "Profile", "user", None, area="account", order=10))


def _per_person() -> str:
    return f"{current_scope().tenant_id}|{current_scope().user_id}"


@blueprint.get("/profile")
@signed_in
def show() -> Response:
    return _page()


@blueprint.post("/profile")
@signed_in
def update() -> Response:
    form = ProfileForm()
    if not form.validate():
        return _page(form.problems(), 422, form=form)
    actions.update_profile(
        current_scope(), name=form.name.data or "", zone=form.zone.data or None, locale=form.locale.data or None
    )
    hx.flash("Your profile was saved.")
    return hx.redirect(url_for(".show"))


@blueprint.post("/profile/password")
@signed_in
@limiter.limit("10 per 5 minutes", key_func=_per_person)
def set_password() -> Response:
    form, tenant, here = ChangePasswordForm(), tenant_info(), session_identity()
    if tenant is None or here is None:
        raise Forbidden("Sign in with a browser to change your password.")
    if not form.validate():
        return _page(form.problems(), 422)
    try:
        token = actions.change_password(
            current_scope(), tenant, here.session_id, current=form.current.data or "", new=form.password.data or ""
        )
    except Invalid as refused:
        return _page(refused.errors, 422)
    session["_user_id"] = token
    hx.flash("Your password was changed. Everybody else who was signed in as you is signed out.")
    return hx.redirect(url_for(".show"))


@blueprint.post("/profile/address")
@signed_in
@limiter.limit("10 per hour", key_func=_per_person)
def set_address() -> Response:
    form = AddressForm()
    if not form.validate():
        return _page(form.problems(), 422, address=form)
    try:
        actions.ask_for_address(current_scope(), form.email.data or "", form.current.data or "")
    except Invalid as refused:
        problems = {("address_current" if name == "current" else name): text for name, text in refused.errors.items()}
        return _page(problems, 422, address=form)
    hx.flash(f"A mail is on its way to {form.email.data}. Your address changes when you open the link in it.", "info")
    return hx.redirect(url_for(".show"))


@blueprint.post("/profile/confirmations")
@signed_in
@limiter.limit("5 per hour", key_func=_per_person)
def send_confirmation() -> Response:
    try:
        actions.ask_for_confirmation(current_scope())
    except Conflict as already:
        return _page({"": already.message}, 409)
    hx.flash("A mail with a link is on its way.", "info")
    return hx.redirect(url_for(".show"))


def _page(
    problems: dict[str, str] | None = None,
    status: int = 200,
    *,
    form: ProfileForm | None = None,
    address: AddressForm | None = None,
) -> Response:
    scope, tenant = current_scope(), tenant_info()
    assert scope.user_id is not None
    user = queries.get_user(scope, scope.user_id)
    return hx.page(
        "profile/show.html",
        status=status,
        person=user,
        name=form.name.data if form else user.name,
        zone=form.zone.data if form else user.zone,
        locale=form.locale.data if form else user.locale,
        zones=zone_choices(),
        locales=locale_choices(),
        tenant=tenant,
        new_address=address.email.data if address else "",
        problems=problems or {},
    )
