"""The pages of leads: all of them shared machinery."""

from __future__ import annotations

from flask import Flask

from app.core.records.routes import record_blueprint
from app.core.templating import Place, add_place
from app.core.transfer.routes import add_transfer_routes
from app.leads.definition import LEADS

blueprint = record_blueprint(LEADS)
add_transfer_routes(blueprint, LEADS)


def init_app(app: Flask) -> None:
    add_place(app, Place("leads.list", LEADS.label_plural, LEADS.icon, LEADS.permission("read"), order=10))
