"""The pages of a record kind: list, record, dialogs, bulk, notes, saved views. One blueprint factory for all.

A view reads top to bottom as permission, form, one action or query, one answer.
"""

from __future__ import annotations

from app.core.records.routes.blueprint import record_blueprint
from app.core.records.routes.lists import LIST_SECONDS, RecordShow
from app.core.records.routes.reading import parse_context, read_listing, scope_may_delete

__all__ = [
    "LIST_SECONDS",
    "RecordShow",
    "parse_context",
    "read_listing",
    "record_blueprint",
    "scope_may_delete",
]
