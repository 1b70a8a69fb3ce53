"""`/dev/mailbox`: what would have been sent, on a workstation. Registered in development and tests only."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, current_app, make_response, request

from app.config import Settings
from app.core import hx
from app.core.access import public
from app.gateways.mail import folder

blueprint = Blueprint("mail", __name__, url_prefix="/dev/mailbox")
_WHY = "Only on a workstation and in tests, where all people are made up; not registered elsewhere."
# What a mail program would do, and less: no script, nothing loaded, no form, styles of the mail itself.
_PART = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def init_app(app: Flask) -> None:
    """Lets the pages for people who are not signed in point here."""
    app.jinja_env.globals["mailbox_here"] = app.extensions["fairlead.settings"].development


@blueprint.get("")
@public(_WHY)
def list_mails() -> Response:
    """The newest fifty; with `?mail=…` one of them is open."""
    key = request.args.get("mail", "")
    chosen = folder.find(_settings().mail_dir, key) if key else None
    if key and chosen is None:
        abort(404)
    answer = hx.page("mail/mailbox.html", mails=folder.newest(_settings().mail_dir), chosen=chosen)
    answer.headers["Content-Security-Policy"] = _page_policy()
    return answer


@blueprint.get("/html")
@public(_WHY)
def show_html() -> Response:
    """The HTML part of a mail as it stands, for a frame that may do nothing."""
    chosen = folder.find(_settings().mail_dir, request.args.get("mail", ""))
    if chosen is None or chosen.html is None:
        abort(404)
    # Links open beside the frame: our own pages refuse to be shown in one.
    answer = make_response(chosen.html.replace("<head>", '<head><base target="_blank">', 1))
    answer.headers["Content-Security-Policy"] = _PART
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _page_policy() -> str:
    return current_app.extensions["fairlead.headers"]["Content-Security-Policy"] + "; frame-src 'self'"


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
