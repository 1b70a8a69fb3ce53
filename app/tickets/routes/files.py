"""Files of tickets, by links that are signed and expire."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, send_file, url_for

from app.core import hx, storage
from app.core.access import requires
from app.core.pipeline import current_scope
from app.gateways.files import links
from app.tickets import queries
from app.tickets.pages.conversation import is_picture

blueprint = Blueprint("files", __name__, url_prefix="/files")


@blueprint.get("/<uuid:file_id>")
@requires("ticket:read")
def download(file_id: UUID) -> Response:
    """The file as a download that runs nowhere; a raster picture may also be shown by our pages."""
    scope = current_scope()
    row = queries.get_file(scope, file_id)
    try:
        links.check(scope, file_id, request.args.get("key", ""))
    except links.LinkExpired:
        hx.flash("That link had expired. Here is the ticket again: choose the file once more.", "info")
        anchor = f"m-{row.message_id}" if row.message_id else "reply_form"
        return hx.redirect(url_for("tickets.show", record_id=row.ticket_id, _anchor=anchor))
    file = storage.files().open(row.key)
    shown = is_picture(row)
    kind = row.type if shown else "application/octet-stream" if row.active else row.type
    response = send_file(
        file, mimetype=kind, as_attachment=not shown, download_name=row.name, conditional=False, etag=False
    )
    response.content_length = row.size
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
