"""The classifier's page among the settings: what it is worth, from how sure on it acts, training, going back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, NotFound
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.tickets.actions.desk import change_desk
from app.tickets.actions.training import ask_training, choose_version
from app.tickets.classifier.offering import FIELDS
from app.tickets.forms import classifier as forms
from app.tickets.forms.classifier import ClassifierForm
from app.tickets.pages import classifier as pages
from app.tickets.pages import desk
from app.tickets.queries import get_version

blueprint = Blueprint("classifier", __name__, url_prefix="/settings/classifier")


def init_app(app: Flask) -> None:
    add_place(app, Place("classifier.show", "Classifier", "wand", "desk:manage", area="settings", order=46))
    describe("ticket.classified", "let the classifier set the {field} ({percent} % sure)")
    describe("classifier.training-asked", "had the {field} classifier trained (version {number})")
    describe("classifier.trained", "ended the training of version {number} of the {field} classifier")
    describe("classifier.chosen", "let version {number} of the {field} classifier answer")


@blueprint.get("")
@requires("desk:manage")
def show() -> Response:
    return _page(forms.filled(*desk.stored(current_scope())))


@blueprint.post("")
@requires("desk:manage")
def update() -> Response:
    scope = current_scope()
    form = forms.read(request.form)
    if form.errors:
        return _page(form, status=422)
    try:
        changed = change_desk(scope, form.version, form.values)
    except Conflict as conflict:
        form.errors = {"": f"{conflict.message} Look at what it is now, and save again."}
        form.version = desk.stored(scope)[1]
        return _page(form, status=409)
    hx.flash("Saved." if changed else "Nothing was changed.", "success" if changed else "info")
    return hx.redirect(url_for(".show"))


@blueprint.post("/versions")
@requires("desk:manage")
def start() -> Response:
    """Trains a new version."""
    field = request.form.get("field", "")
    if field not in FIELDS:
        raise NotFound("There is no such classifier.")
    try:
        ask_training(current_scope(), field)
    except Conflict as busy:
        hx.flash(busy.message, "info")
    return hx.redirect(url_for(".show", _anchor=f"classifier-{field}"))


@blueprint.get("/versions/<uuid:version_id>")
@requires("desk:manage")
def show_version(version_id: UUID) -> Response:
    """What one version is worth, label by label."""
    scope = current_scope()
    return hx.page("classifier/version.html", page=pages.version_page(scope, get_version(scope, version_id)))


@blueprint.post("/versions/<uuid:version_id>/choose")
@requires("desk:manage")
def choose(version_id: UUID) -> Response:
    """Lets this version answer."""
    try:
        row = choose_version(current_scope(), version_id)
    except Conflict as refused:
        hx.flash(refused.message, "warning")
        return hx.redirect(url_for(".show"))
    hx.flash(f"Version {row.number} answers from now on.")
    return hx.redirect(url_for(".show", _anchor=f"classifier-{row.field}"))


def _page(form: ClassifierForm, *, status: int = 200) -> Response:
    scope = current_scope()
    settings, _ = desk.stored(scope)
    return hx.page(
        "classifier/show.html",
        blocks=("classifier_state",),
        status=status,
        form=form,
        on=settings["classify"],
        percent=round(settings["classify_threshold"] * 100),
        fields=pages.field_pages(scope, settings["classify_threshold"]),
    )
