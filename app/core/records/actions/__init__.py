"""What can be done to a record of any kind. Each action flushes, publishes one event a record, never commits."""

from __future__ import annotations

from app.core.records.actions.beside import MAX_VIEWS, add_note, delete_note, delete_view, save_view, views_kind
from app.core.records.actions.bulk import BULK_LIMIT, Selection, bulk_move, bulk_update, select_records
from app.core.records.actions.deleting import UNDO_DAYS, delete_records, purge_deleted, undo_deletion
from app.core.records.actions.placing import Placing, place_record
from app.core.records.actions.storing import stored, values_of
from app.core.records.actions.writing import create_record, make_record, move_record, require, update_record

__all__ = [
    "BULK_LIMIT",
    "MAX_VIEWS",
    "UNDO_DAYS",
    "Placing",
    "Selection",
    "add_note",
    "bulk_move",
    "bulk_update",
    "create_record",
    "delete_note",
    "delete_records",
    "delete_view",
    "make_record",
    "move_record",
    "place_record",
    "purge_deleted",
    "require",
    "save_view",
    "select_records",
    "stored",
    "undo_deletion",
    "update_record",
    "values_of",
    "views_kind",
]
