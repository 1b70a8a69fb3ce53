"""Passkeys: signing in with one, adding and removing them. The script of these pages is behaviours/passkey.js."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, request, url_for

from app.accounts import actions
from app.accounts.actions import Party, SignInOver
from app.accounts.gate import session_identity, tenant_info
from app.accounts.queries import TenantInfo
from app.accounts.routes.arriving import go_on, origin, party, start_over, waiting_token, wanted, when_fresh
from app.accounts.routes.second_factor import per_person
from app.core import hx
from app.core.access import public, signed_in
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.core.pipeline import current_scope
from app.extensions import limiter

blueprint = Blueprint("passkeys", __name__)
_ASKED = "60 per 5 minutes"
_NO_PASSKEYS = "Passkeys do not work at this address. Use your organisation's usual one."


@blueprint.post("/sign-in/passkeys/ask")
@public("A random challenge for a browser to sign; says nothing of anybody.")
@limiter.limit(_ASKED)
def ask_anybody() -> Response:
    return _json(actions.ask_for_passkey(_tenant(), _party(), now()))


@blueprint.post("/sign-in/passkeys")
@public("The way in with a passkey.")
@limiter.limit(_ASKED)
def sign_in() -> Response:
    try:
        return go_on(actions.sign_in_with_passkey(_tenant(), _party(), origin(), _answer(), now()))
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("accounts.sign_in", next=request.form.get("next") or None))


@blueprint.post("/sign-in/second-factor/passkeys/ask")
@public("A random challenge for the passkeys of whoever's password was right.")
@limiter.limit(_ASKED)
def ask_second() -> Response:
    found = actions.find_waiting(_tenant(), waiting_token(), now())
    if found is None:
        raise NotFound("This sign-in ran out of time. Start again.")
    return _json(actions.ask_for_passkey(_tenant(), _party(), now(), user_id=found[1].id))


@blueprint.post("/sign-in/second-factor/passkeys")
@public("A passkey as the second factor of a sign-in whose password was right.")
@limiter.limit("20 per 5 minutes", key_func=per_person)
def confirm() -> Response:
    try:
        return go_on(actions.answer_with_passkey(_tenant(), waiting_token(), _party(), origin(), _answer(), now()))
    except SignInOver:
        return start_over()
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("second_factor.ask", next=wanted()))


@blueprint.post("/account/passkeys/ask")
@signed_in
def ask_me() -> Response:
    """For confirming that it is still the same person."""
    return _json(actions.ask_for_passkey(_tenant(), _party(), now(), user_id=current_scope().user_id))


@blueprint.post("/account/confirm/passkeys")
@signed_in
def confirm_me() -> Response:
    identity = session_identity()
    if identity is None:
        raise NotFound
    try:
        actions.confirm_with_passkey(current_scope(), _tenant(), identity.session_id, _party(), origin(), _answer())
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("security.confirm", next=wanted()))
    return hx.redirect(wanted())


@blueprint.post("/account/passkeys/start")
@signed_in
def start() -> Response:
    return when_fresh(lambda: _json(actions.begin_passkey(current_scope(), _party())))


@blueprint.post("/account/passkeys")
@signed_in
def add() -> Response:
    return when_fresh(_add)


@blueprint.post("/account/passkeys/<uuid:passkey_id>/rename")
@signed_in
def rename(passkey_id: UUID) -> Response:
    try:
        actions.rename_passkey(current_scope(), passkey_id, request.form.get("name", ""))
    except Invalid as refused:
        hx.flash(refused.message, "danger")
    return hx.redirect(url_for("security.show"))


@blueprint.post("/account/passkeys/<uuid:passkey_id>/delete")
@signed_in
def delete(passkey_id: UUID) -> Response:
    return when_fresh(lambda: _delete(passkey_id))


def _add() -> Response:
    try:
        codes = actions.add_passkey(current_scope(), _party(), _answer(), request.form.get("name", ""))
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("security.show"))
    if codes:
        return hx.page("accounts/recovery_codes.html", codes=codes, added="Your passkey is ready.")
    hx.flash("The passkey was added.")
    return hx.redirect(url_for("security.show"))


def _delete(passkey_id: UUID) -> Response:
    try:
        actions.remove_passkey(current_scope(), _tenant(), passkey_id)
    except Invalid as refused:
        hx.flash(refused.message, "danger")
        return hx.redirect(url_for("security.show"))
    hx.flash("The passkey was removed. Delete it from your device's password manager too.")
    return hx.redirect(url_for("security.show"))


def _answer() -> str:
    return request.form.get("credential", "")


def _json(text: str) -> Response:
    return current_app.response_class(text, mimetype="application/json")


def _party() -> Party:
    found = party()
    if found is None:
        raise Invalid({"": _NO_PASSKEYS})
    return found


def _tenant() -> TenantInfo:
    found = tenant_info()
    if found is None:
        raise NotFound
    return found
