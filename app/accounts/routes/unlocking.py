"""What an administrator does for someone who cannot get in. Their page (people) has the buttons."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, url_for

from app.accounts import actions
from app.core import hx
from app.core.access import requires
from app.core.pipeline import current_scope

blueprint = Blueprint("unlocking", __name__)


@blueprint.post("/people/<uuid:user_id>/unlock")
@requires("user:manage")
def unlock(user_id: UUID) -> Response:
    actions.unlock(current_scope(), user_id)
    hx.flash("They can try to sign in again.")
    return hx.redirect(url_for("people.show", user_id=user_id))


@blueprint.post("/people/<uuid:user_id>/second-factors/delete")
@requires("user:manage")
def delete_second_factors(user_id: UUID) -> Response:
    actions.remove_second_factors(current_scope(), user_id)
    hx.flash("Their second factors were removed; they were told by mail.")
    return hx.redirect(url_for("people.show", user_id=user_id))
