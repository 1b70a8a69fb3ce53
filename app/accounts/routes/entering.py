"""Sign-in and out, choosing the organisation, and how the pages look."""

from __future__ import annotations

from urllib.parse import urlsplit

import flask_login
from flask import Blueprint, Flask, Response, current_app, g, request, session

from app.accounts import actions, queries
from app.accounts.actions import SINGLE_SIGN_ON, notices
from app.accounts.forms import SignInForm
from app.accounts.gate import account_key, session_identity, tenant_info
from app.accounts.routes.arriving import enter, go_on, origin, party, wanted
from app.accounts.rules import is_slug
from app.config import Settings
from app.core import hx, templating
from app.core.access import public, signed_in
from app.core.clock import now
from app.core.errors import Invalid
from app.core.links import ours_or
from app.core.pipeline import current_scope
from app.extensions import limiter

__all__ = ["blueprint", "enter", "origin"]

blueprint = Blueprint("accounts", __name__)
_YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    notices.subscribe()


def _per_person() -> str:
    """Who is being guessed at, from where: address, tenant, e-mail."""
    return f"{request.remote_addr}|{account_key(request.form.get('email'))}"


@blueprint.get("/")
@public("Asks for the organisation, or sends on; shows nothing.")
def home() -> Response:
    if g.get("scope") is not None:
        places = templating.nav_items()
        return hx.redirect(places[0].url) if places else hx.page("accounts/welcome.html")
    if tenant_info() is not None:
        return hx.redirect(_url("sign_in"))
    return _choose_organisation(request.args.get("organisation"))


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public("The way in.")
@limiter.limit("10 per 5 minutes", key_func=_per_person, methods=["POST"])
@limiter.limit("100 per 5 minutes", methods=["POST"])
def sign_in() -> Response:
    tenant = tenant_info()
    if tenant is None:
        return hx.redirect(_url("home"))
    form = SignInForm()
    if request.method == "GET":
        return hx.redirect(wanted()) if g.get("scope") else _sign_in_page(form)
    if not form.validate():
        return _sign_in_page(form, form.problems(), 422)
    try:
        outcome = actions.sign_in(
            tenant, origin(), email=form.email.data or "", password=form.password.data or "", at=now()
        )
    except Invalid as refused:
        return _sign_in_page(form, refused.errors, 422)
    return go_on(outcome)


@blueprint.post("/sign-out")
@signed_in
def sign_out() -> Response:
    scope, identity, tenant = current_scope(), session_identity(), tenant_info()
    there = identity is not None and identity.method == SINGLE_SIGN_ON
    way_out = actions.find_way_out(tenant, scope.user_id, back=_whole_url("sign_in")) if there and tenant else None
    actions.sign_out(scope, session.get("_user_id", ""))
    flask_login.logout_user()
    session.clear()
    hx.flash("You are signed out.", "info")
    # Not straight to the provider: a form may not lead off our pages (`form-action 'self'`).
    response = _leave_provider(*way_out) if way_out else hx.redirect(_url("sign_in"))
    # Not "cookies": that would sign out of every other organisation on this host too.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.post("/preferences")
@public("Remembers light or dark in a cookie of this browser, for anyone.")
def set_theme() -> Response:
    chosen = request.form.get("theme", "")
    if chosen not in templating.THEMES:
        raise Invalid({"theme": "Choose System, Light or Dark."})
    response = hx.redirect(_came_from())
    response.set_cookie(
        templating.THEME_COOKIE,
        chosen,
        max_age=_YEAR,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=_settings().secure_cookies,
    )
    return response


def _choose_organisation(slug: str | None) -> Response:
    """Sends on to the organisation's own address, without telling whether there is one."""
    if slug is None:
        return hx.page("accounts/choose_organisation.html", organisation="", problem=None)
    name = slug.strip().lower()
    if is_slug(name):
        return hx.redirect(f"/t/{name}/sign-in")
    problem = "Use the short name from your organisation's address: small letters, digits and hyphens."
    return hx.page("accounts/choose_organisation.html", status=422, organisation=slug[:100], problem=problem)


def _sign_in_page(form: SignInForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    back = request.values.get("next", "")
    tenant = tenant_info()
    return hx.page(
        "accounts/sign_in.html",
        blocks=("sign_in_form",),
        status=status,
        form=form,
        problems=problems or {},
        next=ours_or(back, "", request.root_path),
        tenant=tenant,
        passkeys=party() is not None,
        ways_in=queries.list_ways_in(tenant.id) if tenant else [],
    )


def _came_from() -> str:
    """The page the form stood on, if it is one of ours."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return _url("home")
    address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return ours_or(address, _url("home"), request.root_path)


def _leave_provider(name: str, url: str) -> Response:
    return hx.page("accounts/sso_sign_out.html", name=name, url=url)


def _whole_url(endpoint: str) -> str:
    return current_app.url_for(f"accounts.{endpoint}", _external=True)


def _url(endpoint: str) -> str:
    return current_app.url_for(f"accounts.{endpoint}")


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
