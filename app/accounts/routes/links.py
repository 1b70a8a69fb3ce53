"""Where a link in a mail leads: looking at it uses nothing up, pressing its button does.

Each purpose has its page (`LinkPage`, registered by the module that is about it); what is said of a link that
is not good any more stands here once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app

from app.accounts import actions
from app.accounts.actions import DeadLink
from app.accounts.gate import tenant_info
from app.accounts.models import Link
from app.accounts.queries import TenantInfo
from app.accounts.rules import NEW_PASSWORD, PURPOSES
from app.core import hx
from app.core.access import public
from app.core.clock import now
from app.extensions import limiter

blueprint = Blueprint("links", __name__)


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What one purpose shows (the link is good), and what it does with the form that comes back.

    `accept` redeems the link itself and may raise DeadLink.
    """

    show: Callable[[TenantInfo, Link, str], Response]
    accept: Callable[[TenantInfo, Link, str], Response]


_pages: dict[str, LinkPage] = {}


def register_link_page(purpose: str, page: LinkPage) -> None:
    """Said once by the module that is about this purpose."""
    _pages[purpose] = page


@blueprint.get("/links/<token>")
@public("Who holds the link has the mail; looking changes nothing.")
@limiter.limit("100 per 5 minutes")
def show(token: str) -> Response:
    return _answered(token, lambda page, tenant, link: page.show(tenant, link, token))


@blueprint.post("/links/<token>")
@public("Who holds the link has the mail; it is good once.")
@limiter.limit("100 per 5 minutes")
def accept(token: str) -> Response:
    return _answered(token, lambda page, tenant, link: page.accept(tenant, link, token))


def link_url(token: str) -> str:
    """The page of this link, for the forms on it."""
    return current_app.url_for("links.accept", token=token)


def _answered(token: str, answer: Callable[[LinkPage, TenantInfo, Link], Response]) -> Response:
    tenant = tenant_info()
    if tenant is None:
        abort(404)
    try:
        link = actions.look_at_link(tenant.id, token, now())
        response = answer(_pages[link.purpose], tenant, link)
    except DeadLink as dead:
        response = _dead_page(dead)
    # The address of this page is a secret: nobody it leads to learns it, not even our own servers of files.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def _dead_page(dead: DeadLink) -> Response:
    spec = PURPOSES.get(dead.purpose or "")
    return hx.page(
        "accounts/dead_link.html",
        status=dead.status,
        title=dead.title,
        sentence=dead.message,
        again=spec.again if spec else "",
        may_ask=dead.purpose == NEW_PASSWORD,
    )
