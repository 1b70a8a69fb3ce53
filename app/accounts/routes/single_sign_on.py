"""Settings of single sign-on: the organisation's providers."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, url_for

from app.accounts import actions, queries
from app.accounts.forms import ProviderForm
from app.accounts.models import IdentityProvider
from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place

blueprint = Blueprint("single_sign_on", __name__, url_prefix="/settings/single-sign-on")


def init_app(app: Flask) -> None:
    place = Place("single_sign_on.list", "Single sign-on", "login-2", "tenant:manage", area="settings", order=35)
    add_place(app, place)


@blueprint.get("/")
@requires("tenant:manage")
def list() -> Response:
    return hx.page("single_sign_on/list.html", providers=queries.list_providers(current_scope()))


@blueprint.get("/new")
@requires("tenant:manage")
def new() -> Response:
    form = ProviderForm(formdata=None, data={"group_claim": "groups", "enabled": True})
    return _page(form, None)


@blueprint.post("/")
@requires("tenant:manage")
def create() -> Response:
    form = ProviderForm()
    problems = {} if form.validate() and not form.problems() else form.problems()
    if not problems:
        try:
            made = actions.create_provider(current_scope(), form.values(), form.client_secret.data or "")
        except Invalid as refused:
            problems = refused.errors
        else:
            hx.flash("Single sign-on is set up. Test the connection before you tell anybody.")
            return hx.redirect(url_for("single_sign_on.edit", provider_id=made))
    return _page(form, None, problems, 422)


@blueprint.get("/<uuid:provider_id>/edit")
@requires("tenant:manage")
def edit(provider_id: UUID) -> Response:
    row = queries.get_provider(current_scope(), provider_id)
    return _page(ProviderForm.of(row), row)


@blueprint.post("/<uuid:provider_id>")
@requires("tenant:manage")
def update(provider_id: UUID) -> Response:
    scope, form = current_scope(), ProviderForm()
    row = queries.get_provider(scope, provider_id)
    problems = {} if form.validate() and not form.problems() else form.problems()
    if not problems:
        try:
            secret = form.client_secret.data or None
            actions.update_provider(scope, provider_id, form.version_number(), form.values(), secret)
        except Invalid as refused:
            problems = refused.errors
        except Conflict as conflict:
            return _page(form, row, {"": conflict.message}, 409)
        else:
            hx.flash("Saved.")
            return hx.redirect(url_for("single_sign_on.edit", provider_id=provider_id))
    return _page(form, row, problems, 422)


@blueprint.post("/<uuid:provider_id>/check")
@requires("tenant:manage")
def check(provider_id: UUID) -> Response:
    row = queries.get_provider(current_scope(), provider_id)
    try:
        found = actions.check_provider(row.issuer)
    except Invalid as wrong:
        return _page(ProviderForm.of(row), row, wrong.errors, 422)
    hx.flash(f"{found['issuer']} answers, and its keys can be read.")
    return hx.redirect(url_for("single_sign_on.edit", provider_id=provider_id))


@blueprint.post("/<uuid:provider_id>/delete")
@requires("tenant:manage")
def delete(provider_id: UUID) -> Response:
    name = actions.delete_provider(current_scope(), provider_id)
    hx.flash(f"{name} is gone. Whoever has no password can ask for one on the sign-in page.", "info")
    return hx.redirect(url_for("single_sign_on.list"))


def _page(
    form: ProviderForm, row: IdentityProvider | None, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    scope = current_scope()
    return hx.page(
        "single_sign_on/form.html",
        status=status,
        form=form,
        provider=row,
        problems=problems or {},
        roles=[(role.key, role.name) for role in queries.list_roles(scope)],
        redirect_uri=url_for("sso.accept", provider_id=row.id, _external=True) if row else None,
        signed_out_uri=url_for("accounts.sign_in", _external=True),
    )
