"""A forgotten password: asking for a link, choosing a new one by it, and how strong what is typed would be."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, request

from app.accounts import actions
from app.accounts.forms import ForgottenForm, NewPasswordForm
from app.accounts.gate import account_key, tenant_info
from app.accounts.models import Link
from app.accounts.queries import TenantInfo
from app.accounts.routes.links import LinkPage, link_url, register_link_page
from app.accounts.rules import NEW_PASSWORD, judge_password
from app.core import dispatcher, hx
from app.core.access import public
from app.core.clock import now
from app.core.errors import Invalid
from app.core.events import EventRow
from app.extensions import limiter

blueprint = Blueprint("recovery", __name__)

SENT = (
    "If somebody here has that address, a mail with a link is on its way. It is good for an hour. Look into the spam "
    "folder too."
)


def init_app(app: Flask) -> None:
    register_link_page(NEW_PASSWORD, LinkPage(_show_new_password, _set_new_password))
    dispatcher.subscribe("accounts.recovery", frozenset({"recovery.asked"}), _answer)


def _answer(event: EventRow) -> None:
    actions.answer_forgotten(event.tenant_id, event.subject_id, now())


def _per_account() -> str:
    return account_key(request.form.get("email"))


@blueprint.get("/forgot-password")
@public("The way back in; says nothing about who is here.")
def ask() -> Response:
    return _ask_page(ForgottenForm()) if tenant_info() else hx.redirect(current_app.url_for("accounts.home"))


@blueprint.post("/forgot-password")
@public("The way back in; known and unknown are answered alike.")
@limiter.limit("5 per hour", key_func=_per_account)
@limiter.limit("20 per hour")
def send() -> Response:
    tenant, form = tenant_info(), ForgottenForm()
    if tenant is None:
        return hx.redirect(current_app.url_for("accounts.home"))
    if not form.validate():
        return _ask_page(form, form.problems(), 422)
    actions.ask_for_password(tenant, form.email.data or "", now())
    hx.flash(SENT, "info")
    return hx.redirect(current_app.url_for("accounts.sign_in"))


@blueprint.post("/passwords/strength")
@public("Judges what is typed while it is typed; keeps and logs nothing.")
@limiter.limit("300 per 5 minutes")
def show_strength() -> Response:
    tenant = tenant_info()
    personal = [request.form.get("name", "")[:254], request.form.get("email", "")[:254], tenant.name if tenant else ""]
    typed = request.form.get("password", "")
    return hx.page(
        "accounts/password_strength.html",
        blocks=("password_strength",),
        strength=judge_password(typed, personal) if typed else None,
    )


def _ask_page(form: ForgottenForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    return hx.page("accounts/forgot_password.html", status=status, form=form, problems=problems or {})


def _show_new_password(tenant: TenantInfo, link: Link, token: str) -> Response:
    return _new_password_page(token)


def _set_new_password(tenant: TenantInfo, link: Link, token: str) -> Response:
    form = NewPasswordForm()
    if not form.validate():
        return _new_password_page(token, form.problems(), 422)
    try:
        actions.set_password_by_link(tenant, token, form.password.data or "", now())
    except Invalid as refused:
        return _new_password_page(token, refused.errors, 422)
    hx.flash("Your password is changed, and you are signed out everywhere. Sign in with the new one.")
    return hx.redirect(current_app.url_for("accounts.sign_in"))


def _new_password_page(token: str, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    return hx.page("accounts/new_password.html", status=status, action=link_url(token), problems=problems or {})
