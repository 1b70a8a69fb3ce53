"""The pages of tickets: the shared machinery, and a ticket's own page."""

from __future__ import annotations

from flask import Flask

from app.core.records.routes import RecordShow, record_blueprint
from app.core.templating import Place, add_place
from app.core.transfer.routes import add_transfer_routes
from app.tickets import hooks, pages
from app.tickets.definition import TICKETS

__all__ = ["blueprint", "hooks", "init_app"]

blueprint = record_blueprint(TICKETS, RecordShow("tickets/show.html", pages.BLOCKS, pages.beside_record))
add_transfer_routes(blueprint, TICKETS)


def init_app(app: Flask) -> None:
    add_place(app, Place("tickets.list", TICKETS.label_plural, TICKETS.icon, TICKETS.permission("read"), order=20))
