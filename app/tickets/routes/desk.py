"""The service desk's settings."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.clock import now
from app.core.errors import Conflict
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.tickets.actions.desk import change_desk
from app.tickets.forms import desk as forms
from app.tickets.forms.desk import DeskForm
from app.tickets.pages import desk as pages

blueprint = Blueprint("desk", __name__)


def init_app(app: Flask) -> None:
    place = Place("desk.show", "Service desk", "lifebuoy", "desk:manage", area="settings", order=40)
    add_place(app, place)
    describe("desk.changed", pages.in_words)


@blueprint.get("/settings/desk")
@requires("desk:manage")
def show() -> Response:
    settings, version = pages.stored(current_scope())
    return _page(forms.filled(settings, version))


@blueprint.post("/settings/desk")
@requires("desk:manage")
def update() -> Response:
    scope = current_scope()
    form = forms.read(request.form, pages.stored(scope)[0])
    if form.errors:
        return _page(form, status=422)
    try:
        changed = change_desk(scope, form.version, form.values)
    except Conflict as conflict:
        return hx.page(
            "desk/conflict.html",
            status=409,
            rows=pages.conflict_rows(conflict),
            fields=pages.conflict_fields(scope, conflict),
            by=conflict.by,
            at=now(),
        )
    hx.flash("Saved." if changed else "Nothing was changed.", "success" if changed else "info")
    return hx.redirect(url_for(".show"))


def _page(form: DeskForm, *, status: int = 200) -> Response:
    return hx.page("desk/show.html", status=status, form=form, groups=pages.groups(form))
