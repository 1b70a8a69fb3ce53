"""The pages of gadgets: named in `settings.extra_kinds`."""

from __future__ import annotations

from flask import Flask

from app.core.records.routes import record_blueprint
from app.core.templating import Place, add_place
from app.core.transfer.routes import add_transfer_routes
from tests.secondkind.definition import GADGETS

blueprint = record_blueprint(GADGETS)
add_transfer_routes(blueprint, GADGETS)


def init_app(app: Flask) -> None:
    add_place(app, Place("gadgets.list", GADGETS.label_plural, GADGETS.icon, GADGETS.permission("read")))
