"""How an import ends, and who is told."""

from __future__ import annotations

from app.core import storage
from app.core.db import after_commit
from app.core.events import publish
from app.core.records.events import ImportChanged
from app.core.scope import Scope
from app.core.transfer.models import (
    CANCELLED,
    CHECKED,
    CHECKING,
    FAILED,
    IMPORTED,
    Import,
)


def finish(scope: Scope, row: Import, state: str, message: str = "") -> None:
    """Ends this run of the import and says so in the event log."""
    if state in (CHECKED, IMPORTED):
        row.total_rows = row.next_row
    row.state, row.message = state, message
    row.worker = row.lease_until = None
    row.cancel_requested, row.attempts = False, 0
    row.finished_at = row.updated_at = scope.now
    row.version += 1
    if state != CHECKED:
        announce(scope, row)
    if state in (IMPORTED, CANCELLED, FAILED):
        discard_file(row)


def announce(scope: Scope, row: Import) -> None:
    """The import's own event: every record it touched shows it in its timeline."""
    counts = (row.created, row.updated, row.skipped, row.refused)
    publish(scope, ImportChanged(row.kind, row.id, row.state, row.filename, *counts))


def discard_file(row: Import) -> None:
    """The file has served its purpose; what was refused is kept as rows."""
    files, key = storage.files(), row.file_key
    after_commit(lambda: files.delete(key))


def cancelled_text(row: Import) -> str:
    if row.state == CHECKING or not row.created + row.updated:
        return "It was cancelled before anything was imported."
    return f"It was cancelled after {row.next_row:,} rows. What was imported until then is in."
