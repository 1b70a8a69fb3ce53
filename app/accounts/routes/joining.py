"""An invitation accepted: a name, a password, and in. And addresses confirmed or taken back."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app

from app.accounts import actions
from app.accounts.forms import JoinForm
from app.accounts.models import Link
from app.accounts.queries import TenantInfo, find_person, list_ways_in
from app.accounts.routes.arriving import go_on, origin
from app.accounts.routes.links import LinkPage, link_url, register_link_page
from app.accounts.rules import CONFIRM_ADDRESS, INVITATION, UNDO_ADDRESS
from app.core import hx
from app.core.clock import now
from app.core.errors import Invalid

blueprint = Blueprint("joining", __name__)


def init_app(app: Flask) -> None:
    register_link_page(INVITATION, LinkPage(_show_invitation, _accept_invitation))
    register_link_page(CONFIRM_ADDRESS, LinkPage(_show_confirmation, _confirm_address))
    register_link_page(UNDO_ADDRESS, LinkPage(_show_undo, _restore_address))


def _show_invitation(tenant: TenantInfo, link: Link, token: str) -> Response:
    return _join_page(tenant, link, token, JoinForm())


def _accept_invitation(tenant: TenantInfo, link: Link, token: str) -> Response:
    form, at = JoinForm(), now()
    if not form.validate():
        return _join_page(tenant, link, token, form, form.problems(), 422)
    try:
        user = actions.accept_invitation(
            tenant, token, name=form.name.data or "", password=form.password.data or "", at=at
        )
    except Invalid as refused:
        return _join_page(tenant, link, token, form, refused.errors, 422)
    return go_on(actions.proceed(tenant, user, origin(), at=at))


def _join_page(
    tenant: TenantInfo,
    link: Link,
    token: str,
    form: JoinForm,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    who = find_person(tenant.id, link.user_id)
    guessed = who.name if who and who.name != who.email.partition("@")[0] else ""
    return hx.page(
        "accounts/join.html",
        status=status,
        tenant=tenant,
        email=who.email if who else "",
        name=form.name.data or guessed,
        action=link_url(token),
        ways_in=list_ways_in(tenant.id),
        problems=problems or {},
    )


def _show_confirmation(tenant: TenantInfo, link: Link, token: str) -> Response:
    return _ask_page(
        token,
        "Confirm your address",
        f"Your address at {tenant.name} will be {link.data.get('email', '')}.",
        "Confirm this address",
    )


def _confirm_address(tenant: TenantInfo, link: Link, token: str) -> Response:
    user = actions.confirm_address(tenant, token, now())
    hx.flash(f"{user.email} is your address now.")
    return hx.redirect(current_app.url_for("accounts.home"))


def _show_undo(tenant: TenantInfo, link: Link, token: str) -> Response:
    return _ask_page(
        token,
        "Was this not you?",
        f"{link.data.get('email', '')} becomes your address again, everybody who is signed in to your account is "
        "signed out, and you choose a new password.",
        "This was not me",
    )


def _restore_address(tenant: TenantInfo, link: Link, token: str) -> Response:
    restored = actions.restore_address(tenant, token, now())
    hx.flash("Your address is yours again, and everybody is signed out. Choose a new password.")
    return hx.redirect(link_url(restored.token))


def _ask_page(token: str, title: str, text: str, label: str) -> Response:
    return hx.page("accounts/use_link.html", title=title, text=text, label=label, action=link_url(token))
