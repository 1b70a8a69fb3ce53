"""The audit log: reading it, its alerts, taking it along as a file."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, request, url_for

from app.audit import actions, exporting, forms, pages, words
from app.audit.rules import Watched
from app.core import dispatcher, hx, people
from app.core.access import requires, writes_on_get
from app.core.pipeline import current_scope
from app.core.templating import Place, add_place

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


def init_app(app: Flask) -> None:
    add_place(app, Place("audit.list", "Audit log", "history", "audit:read", area="settings", order=60))
    dispatcher.subscribe("alerts", Watched(), actions.watch)
    words.register()


@blueprint.get("/")
@requires("audit:read")
def list() -> Response:
    """Everything that happened in the organisation, newest first."""
    scope = current_scope()
    page = pages.log_page(scope, forms.read_log(request.args, scope))
    return hx.page("audit/list.html", blocks=("audit_list",), page=page)


@blueprint.get("/export.csv")
@writes_on_get("an export of the log stands in the log")
@requires("audit:read")
def export() -> Response:
    """The same as a file: what the filter finds, up to a hundred thousand events."""
    scope = current_scope()
    form = forms.read_log(request.args, scope)
    actions.say_exported(scope, form.wanted, request.query_string.decode("utf-8", "replace")[:500])
    url = current_app.extensions["fairlead.settings"].database_url
    stream = exporting.export_log(scope, form.wanted, people.names_of(scope), database_url=url)
    response = Response(stream, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{exporting.filename(scope)}"'
    response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    return response


@blueprint.post("/alerts/<uuid:alert_id>/confirm")
@requires("audit:read")
def confirm_alert(alert_id: UUID) -> Response:
    """Says who has seen the alert."""
    actions.see_alert(current_scope(), alert_id)
    hx.flash("Noted that you have seen it.")
    return hx.redirect(url_for(".list"))
