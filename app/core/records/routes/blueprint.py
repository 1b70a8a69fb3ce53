"""All pages of a kind as one blueprint."""

from __future__ import annotations

from flask import Blueprint

from app.core.access import register_kind
from app.core.records.kind import RecordKind
from app.core.records.routes.board import add_board
from app.core.records.routes.bulk import add_bulk
from app.core.records.routes.lists import STANDARD, RecordShow, add_lists, add_show
from app.core.records.routes.presence import add_presence
from app.core.records.routes.record import add_inline, add_notes, add_status
from app.core.records.routes.views import add_sample, add_views
from app.core.records.routes.writing import add_writing


def record_blueprint(kind: RecordKind, show: RecordShow = STANDARD) -> Blueprint:
    """All pages every kind has, under ``/<plural>``; the kind's folder adds what is its own.

    `show` is a record's own page.
    """
    register_kind(kind.name)
    blueprint = Blueprint(kind.plural, __name__, url_prefix=f"/{kind.plural}")
    lists = (add_lists, add_board, add_views, add_sample)
    records = (add_writing, add_inline, add_status, add_notes, add_presence, add_bulk)
    for add in (*lists, *records):
        add(blueprint, kind)
    add_show(blueprint, kind, show)
    return blueprint
