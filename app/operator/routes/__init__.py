"""The pages of the console: one blueprint at /operator, a module a subject."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, current_app, g

from app.config import Settings
from app.core.paths import CONSOLE
from app.operator import notices, store
from app.operator.gate import ConsoleGate
from app.operator.routes import entering, operators, tenants

blueprint = Blueprint("operator", __name__, url_prefix=CONSOLE)
for subject in (entering, tenants, operators):
    subject.add_to(blueprint)


@blueprint.before_request
def only_at_the_console() -> None:
    """Also for the pages that anyone may see: there is nothing here at a tenant's address, or without a login."""
    if "fairlead.console" not in current_app.extensions or "tenant" in g:
        abort(404)


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["fairlead.settings"]
    notices.init_app()
    if settings.operator_url:
        store.init_app(app, settings)
        app.extensions["fairlead.console"] = ConsoleGate()
