"""Coming in by single sign-on: to the provider and back. Links and addresses, since a form may not lead off our pages
(`form-action 'self'`), and a provider sends the browser back with a GET.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from flask import Blueprint, Response, request, session, url_for

from app.accounts import actions
from app.accounts.gate import tenant_info
from app.accounts.queries import TenantInfo
from app.accounts.routes.arriving import go_on, origin
from app.core import hx
from app.core.access import public, writes_on_get
from app.core.clock import now
from app.core.errors import FairleadError, NotFound
from app.core.links import ours_or
from app.extensions import limiter
from app.gateways.openid import OpenIdError

blueprint = Blueprint("sso", __name__, url_prefix="/sign-in/sso")

_BROWSER = "sso_browser"
_NOT_SIGNED_IN = "You did not sign in there, so you are not signed in here."


@blueprint.get("/<uuid:provider_id>/start")
@public("A way in: leads to the organisation's provider.")
@writes_on_get("Remembers for ten minutes what the provider was asked; changes nothing that anybody sees.")
@limiter.limit("60 per 5 minutes")
def start(provider_id: UUID) -> Response:
    tenant = _tenant()
    browser = session.setdefault(_BROWSER, secrets.token_urlsafe(32))
    try:
        url = actions.ask_provider(
            tenant,
            provider_id,
            redirect_uri=url_for("sso.accept", provider_id=provider_id, _external=True),
            browser=browser,
            next_url=ours_or(request.args.get("next"), "", request.root_path),
            at=now(),
        )
    except NotFound:
        raise
    except FairleadError as refused:
        return _failed(refused)
    return hx.redirect(url)


@blueprint.get("/<uuid:provider_id>/callback")
@public("The way back; what counts is the provider's signed answer, and that this browser asked for it.")
@writes_on_get("A provider sends the browser back with a GET; the state in it is ours, this browser's, and good once.")
@limiter.limit("60 per 5 minutes")
def accept(provider_id: UUID) -> Response:
    tenant, at = _tenant(), now()
    try:
        asked = actions.take_answer(
            tenant, provider_id, state=request.args.get("state", ""), browser=session.get(_BROWSER, ""), at=at
        )
        if "code" not in request.args:
            raise OpenIdError(_NOT_SIGNED_IN)
        outcome = actions.sign_in_with_provider(
            tenant, asked, code=request.args["code"], issuer=request.args.get("iss"), origin=origin(), at=at
        )
    except NotFound:
        raise
    except FairleadError as refused:
        return _failed(refused)
    return go_on(outcome, asked.next)


def _tenant() -> TenantInfo:
    tenant = tenant_info()
    if tenant is None:
        raise NotFound
    return tenant


def _failed(refused: FairleadError) -> Response:
    # A provider that is away is no fault of ours: 403 where we said no, else 400.
    status = 403 if refused.status == 403 else 400
    return hx.page("accounts/sso_failed.html", status=status, title=refused.title, message=refused.message)
