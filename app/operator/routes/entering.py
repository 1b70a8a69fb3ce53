"""Coming in to the console, going, and setting up one's account."""

from __future__ import annotations

from flask import Blueprint, Response, request, session, url_for

from app.accounts import totp
from app.core import hx
from app.core.access import operator, public
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.extensions import limiter
from app.operator import actions, queries, store
from app.operator.actions.signing_in import Typed
from app.operator.forms import EnrolForm, SignInForm
from app.operator.gate import SESSION_KEY, ConsoleGate, current_operator
from app.operator.models import SECRET, Operator

_ISSUER = "Fairlead operator"


def _per_address() -> str:
    return f"operator|{request.remote_addr}"


def add_to(blueprint: Blueprint) -> None:
    @blueprint.route("/sign-in", methods=["GET", "POST"])
    @public("The way in to the console; address, password and code are asked for together.")
    @limiter.limit("20 per 5 minutes", key_func=_per_address, methods=["POST"])
    def sign_in() -> Response:
        form = SignInForm()
        if request.method == "GET":
            here = ConsoleGate().find_operator() is not None
            return hx.redirect(url_for(".list_tenants")) if here else _sign_in_page(form)
        if not form.validate():
            return _sign_in_page(form, form.problems(), 422)
        typed = Typed(form.email.data or "", form.password.data or "", form.code.data or "")
        try:
            token = actions.sign_in(typed, ip=request.remote_addr, user_agent=request.user_agent.string, at=now())
        except Invalid as refused:
            return _sign_in_page(form, refused.errors, 422)
        session.clear()
        session[SESSION_KEY] = token
        return hx.redirect(url_for(".list_tenants"))

    @blueprint.post("/sign-out")
    @operator
    def sign_out() -> Response:
        with store.transaction() as database:
            actions.sign_out(database, current_operator())
        session.clear()
        hx.flash("You are signed out.", "info")
        response = hx.redirect(url_for(".sign_in"))
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    @blueprint.get("/enrol")
    @public("Shows the secret of a new operator's app to whoever has their link.")
    def enrol() -> Response:
        token = request.args.get("token", "")
        return _enrol_page(_enrolling(token), token)

    @blueprint.post("/enrol")
    @public("Sets password and app by the link, once.")
    @limiter.limit("20 per 5 minutes", key_func=_per_address)
    def save_enrolment() -> Response:
        token, form = request.form.get("token", ""), EnrolForm()
        row = _enrolling(token)
        if not form.validate():
            return _enrol_page(row, token, form.problems(), 422)
        typed = {name: form[name].data or "" for name in ("password", "again", "code")}
        actor = actions.Actor(None, row.name, request.remote_addr, now=now())
        try:
            with store.transaction() as database:
                actions.enrol(database, actor, token, **typed)
        except Invalid as refused:
            return _enrol_page(row, token, refused.errors, 422)
        hx.flash("You are set up. Sign in with the next code.")
        return hx.redirect(url_for(".sign_in"))


def _enrolling(token: str) -> Operator:
    """Whose link this is; 404 for one that is not good."""
    with store.reading() as database:
        row = queries.find_enrolling(database, token, now())
    if row is None:
        raise NotFound("This link does not work any more. Ask another operator for a new one.")
    return row


def _sign_in_page(form: SignInForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    return hx.page("operator/sign_in.html", status=status, form=form, problems=problems or {})


def _enrol_page(row: Operator, token: str, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    secret = SECRET.open(row)
    address = totp.address_of(secret, row.email, _ISSUER)
    response = hx.page(
        "operator/enrol.html",
        status=status,
        name=row.name,
        token=token,
        picture=totp.picture_of(address),
        address=address,
        secret=totp.grouped(secret),
        problems=problems or {},
    )
    # The address holds the link's token: not even our own files are told where they were asked for from.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
