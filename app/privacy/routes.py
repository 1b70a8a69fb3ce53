"""Personal data: finding what is kept of a person, handing it over, erasing it.

Addresses are only ever posted: in an address line they would stand in logs and histories.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, jsonify, request, send_file, url_for

from app.core import hx, people, storage
from app.core.access import requires, writes_on_get
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.privacy import actions, pages, queries

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")


def init_app(app: Flask) -> None:
    place = Place("privacy.list", "Personal data", "user-off", "privacy:manage", area="settings", order=70)
    add_place(app, place)
    describe("person.export_asked", "asked for an export of a person's data")
    describe("person.exported", "exported a person's data")
    describe("person.downloaded", "downloaded the export of a person's data")
    describe("person.erasure_asked", "asked for the erasure of a person")
    describe("person.erased", "erased a person")
    describe("person.failed", "could not finish a request about a person's data")
    describe("retention.applied", "removed what was kept long enough")
    describe("erasure.blanked", "blanked events for an erasure")


@blueprint.get("/")
@requires("privacy:manage")
def list() -> Response:
    """Where a search begins, and what was asked for lately."""
    return _start()


@blueprint.post("/search")
@requires("privacy:manage")
def search() -> Response:
    """What is kept of one address."""
    return _results(request.form.get("address", ""))


@blueprint.post("/exports")
@requires("privacy:manage")
def create_export() -> Response:
    """Gathers all of it into a file."""
    address = request.form.get("address", "")
    try:
        request_id = actions.ask_export(current_scope(), address)
    except Invalid as refused:
        return _start(address, refused.errors, status=422)
    return hx.redirect(url_for(".show", request_id=request_id))


@blueprint.post("/erasures")
@requires("privacy:manage")
def create_erasure() -> Response:
    """Erases all of it; the address is typed twice."""
    address = request.form.get("address", "")
    try:
        request_id = actions.ask_erasure(current_scope(), address, request.form.get("again", ""))
    except Invalid as refused:
        if "address" in refused.errors:
            return _start(address, refused.errors, status=422)
        return _results(address, refused.errors, again=request.form.get("again", ""), status=422)
    except (Conflict, Forbidden) as refused:
        return _results(address, {"": refused.message}, status=refused.status)
    return hx.redirect(url_for(".show", request_id=request_id))


@blueprint.get("/requests/<uuid:request_id>")
@requires("privacy:manage")
def show(request_id: UUID) -> Response:
    """How far a request is, and what came of it."""
    scope = current_scope()
    page = pages.request_page(scope, queries.get_request(scope, request_id))
    return hx.page("privacy/show.html", blocks=("request_state",), page=page)


@blueprint.get("/requests/<uuid:request_id>/report.json")
@requires("privacy:manage")
def download_report(request_id: UUID) -> Response:
    """What was done, for keeping: without the person's data."""
    scope = current_scope()
    response = jsonify(pages.report(pages.request_page(scope, queries.get_request(scope, request_id))))
    response.headers["Content-Disposition"] = 'attachment; filename="report.json"'
    return response


@blueprint.get("/requests/<uuid:request_id>/data.zip")
@writes_on_get("that somebody took a person's data stands in the log")
@requires("privacy:manage")
def download(request_id: UUID) -> Response:
    """The export, until it is a week old."""
    row = actions.record_download(current_scope(), request_id)
    assert row.file_key is not None
    file = storage.files().open(row.file_key)
    response = send_file(file, mimetype="application/zip", as_attachment=True, download_name="data.zip")
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _start(address: str = "", errors: dict[str, str] | None = None, *, status: int = 200) -> Response:
    scope = current_scope()
    names = people.names_of(scope)
    rows = [pages.request_page(scope, row, names) for row in queries.list_requests(scope)]
    return hx.page("privacy/list.html", status=status, requests=rows, address=address[:320], errors=errors or {})


def _results(address: str, errors: dict[str, str] | None = None, *, again: str = "", status: int = 200) -> Response:
    address = address.strip()
    if "@" not in address[1:-1] or len(address) > 320 or any(sign.isspace() for sign in address):
        return _start(address, {"address": "Write a whole e-mail address, such as ann@example.com."}, status=422)
    found = queries.find_person_data(current_scope(), address)
    return hx.page(
        "privacy/results.html", status=status, address=address, again=again[:320], found=found, errors=errors or {}
    )
