"""One's own API tokens: making one, which is shown once, and revoking them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, url_for

from app.accounts import actions, queries
from app.accounts.forms import LIVES, TokenForm
from app.accounts.routes.arriving import is_fresh
from app.core import hx
from app.core.access import ACTION_LINES, KINDS, PERMISSIONS, requires, signed_in
from app.core.errors import Forbidden, Invalid
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.core.templating import Place, add_place
from app.extensions import limiter

blueprint = Blueprint("tokens", __name__)


def init_app(app: Flask) -> None:
    add_place(app, Place("tokens.list", "API tokens", "key", area="account", order=30))


@blueprint.get("/account/tokens")
@signed_in
def list() -> Response:
    scope = current_scope()
    return hx.page("tokens/list.html", tokens=queries.list_api_tokens(scope, _asker(scope)), now=scope.now)


@blueprint.get("/account/tokens/new")
@signed_in
def new() -> Response:
    return _form_page(TokenForm(formdata=None)) if is_fresh() else _confirm()


@blueprint.post("/account/tokens")
@signed_in
@limiter.limit("30 per hour")
def create() -> Response:
    """Shows the token in this very answer: it is kept nowhere that a redirect could find it."""
    scope, form = current_scope(), TokenForm()
    if not is_fresh():
        return _confirm()
    problems = {} if form.validate() else form.problems()
    if not problems:
        try:
            made = actions.create_api_token(
                scope, name=form.name.data or "", scopes=form.scopes(), expires_at=form.expires_at(scope)
            )
        except Invalid as refused:
            problems = refused.errors
        else:
            return hx.page("tokens/made.html", name=form.name.data, token=made.text)
    return _form_page(form, problems, 422)


@blueprint.post("/account/tokens/<uuid:token_id>/revoke")
@signed_in
def revoke(token_id: UUID) -> Response:
    scope = current_scope()
    name = actions.revoke_api_token(scope, _asker(scope), token_id)
    hx.flash(f"{name} opens nothing any more.")
    return hx.redirect(url_for("tokens.list"))


@blueprint.post("/people/<uuid:user_id>/tokens/<uuid:token_id>/revoke")
@requires("user:manage")
def revoke_of(user_id: UUID, token_id: UUID) -> Response:
    name = actions.revoke_token_of(current_scope(), user_id, token_id)
    hx.flash(f"{name} opens nothing any more.")
    return hx.redirect(url_for("people.show", user_id=user_id))


def _form_page(form: TokenForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    scope = current_scope()
    return hx.page(
        "tokens/new.html",
        status=status,
        form=form,
        problems=problems or {},
        lives=LIVES,
        chosen=form.scopes() if status != 200 else [],
        groups=_groups(scope),
        last_day=(scope.now + actions.API_TOKEN_LIFETIME).astimezone(scope.zone_info).date().isoformat(),
    )


def _groups(scope: Scope) -> dict[str, dict[str, str]]:
    """What the asker may give a token, by heading: permissions with their words."""
    told = {
        f"{kind.capitalize()}s": {f"{kind}:{action}": line for action, line in ACTION_LINES.items()}
        for kind in sorted(KINDS)
    } | {"Administration": PERMISSIONS}
    held = {heading: {name: line for name, line in lines.items() if scope.may(name)} for heading, lines in told.items()}
    return {heading: lines for heading, lines in held.items() if lines}


def _confirm() -> Response:
    hx.flash("A token opens your account to a program, so please confirm that it is you first.", "info")
    return hx.redirect(url_for("security.confirm", next=url_for("tokens.new")))


def _asker(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise Forbidden
    return scope.user_id
