"""Where one is signed in, and signing out elsewhere."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, url_for

from app.accounts import actions
from app.accounts.gate import session_identity
from app.accounts.queries import list_sessions
from app.core import hx
from app.core.access import signed_in
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place

blueprint = Blueprint("sessions", __name__)


def init_app(app: Flask) -> None:
    add_place(app, Place("sessions.list", "Sessions", "devices", area="account", order=20))


@blueprint.get("/account/sessions")
@signed_in
def list() -> Response:
    this = _this()
    sessions = sorted(list_sessions(current_scope()), key=lambda one: one.id != this)
    return hx.page("accounts/sessions.html", sessions=sessions, this=this)


@blueprint.post("/account/sessions/<uuid:session_id>/end")
@signed_in
def end(session_id: UUID) -> Response:
    actions.end_session(current_scope(), session_id)
    hx.flash("That session was signed out.")
    return hx.redirect(url_for("sessions.list"))


@blueprint.post("/account/sessions/others/end")
@signed_in
def end_others() -> Response:
    scope = current_scope()
    assert scope.user_id is not None
    actions.end_sessions(scope, scope.user_id, but=_this())
    hx.flash("You are signed out everywhere but here.")
    return hx.redirect(url_for("sessions.list"))


def _this() -> UUID | None:
    identity = session_identity()
    return identity.session_id if identity else None
