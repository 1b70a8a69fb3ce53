"""What people do with an import: upload, correct, check, start, cancel, take back. Flush, never commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import queue, storage
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.errors import Conflict, Invalid
from app.core.records.kind import RecordKind
from app.core.scope import Scope
from app.core.transfer import mapping as mappings
from app.core.transfer import queries
from app.core.transfer.models import (
    CANCELLED,
    CHECKED,
    CHECKING,
    FINISHED,
    IMPORTING,
    RUNNING,
    UNDOING,
    UPLOADED,
    WAITING,
    Import,
    ImportMapping,
)
from app.core.transfer.reading import Inspection, UnreadableFile, inspect
from app.core.transfer.running import LEASE, announce, discard_file
from app.extensions import db

FORGOTTEN_AFTER = timedelta(days=7)
_JOB = "jobs.imports.run"
_JOB_SECONDS = 6 * 3600
_PATIENCE = text("select set_config('lock_timeout', '15s', true), set_config('statement_timeout', '15s', true)")
_SAMPLE_ROWS = 3
_SAMPLE_LENGTH = 120


def upload(scope: Scope, kind: RecordKind, stream: BinaryIO, filename: str, token: UUID, limit: int) -> UUID:
    """Keeps the file and finds out how it is to be read; returns the import's id.

    The same form sent twice (`token`) is one import.

    Raises:
        UnreadableFile: it holds no table; nothing of it is kept.
        FileTooLarge: it has more than `limit` bytes.
    """
    if known := queries.find_by_token(scope, kind, token):
        return known.id
    files = storage.files()
    stored = files.save(scope.tenant_id, stream, limit)
    try:
        found = inspect(files.path(stored.key), filename)
        import_id = _keep(scope, kind, stored, filename, token, found)
    except BaseException:
        files.delete(stored.key)
        raise
    if import_id is None:
        files.delete(stored.key)
        twin = queries.find_by_token(scope, kind, token)
        if twin is None:
            raise Conflict("This form was sent for something else already. Reload the page and try again.")
        return twin.id
    return import_id


def reread(scope: Scope, kind: RecordKind, import_id: UUID, *, encoding: str, delimiter: str, sheet: str) -> None:
    """Reads the file again in the way the person says.

    Raises:
        UnreadableFile: it cannot be read so; the import stays as it was.
        Conflict: it is under way already.
    """
    row = _waiting(scope, kind, import_id)
    path = storage.files().path(row.file_key)
    try:
        found = inspect(path, row.filename, encoding=encoding or None, delimiter=delimiter or None, sheet=sheet or None)
    except UnicodeError as wrong:
        raise UnreadableFile("The file cannot be read in this encoding; choose another.") from wrong
    _describe(row, found)
    row.mapping = _numbered(_guessed(scope, kind, row.headers))
    row.state, row.updated_at = UPLOADED, scope.now
    db.session.flush()


def check(scope: Scope, kind: RecordKind, import_id: UUID, choices: mappings.Choices) -> None:
    """Takes the mapping and starts the dry run.

    Raises:
        Invalid: two columns for one field, or nothing that identifies a record; by input.
        Conflict: it is under way already.
    """
    row = _waiting(scope, kind, import_id)
    if errors := mappings.errors(kind, row.headers, choices.mapping):
        raise Invalid(errors)
    row.mapping = _numbered(choices.mapping)
    row.duplicates, row.day_first = choices.duplicates, choices.day_first
    row.owner_id, row.tag = choices.owner_id, choices.tag
    row.asker = _asker(scope)
    if choices.remember:
        _remember(scope, kind, row.headers, choices.mapping)
    _ring(scope, row, CHECKING)


def start(scope: Scope, kind: RecordKind, import_id: UUID) -> bool:
    """Starts the import itself; False if it was started before, so that two clicks import once.

    Raises:
        Conflict: it has not been checked, or was cancelled.
    """
    row = queries.get_import(scope, kind, import_id, lock=True)
    if row.state in (IMPORTING, *FINISHED) and row.state != CANCELLED:
        return False
    if row.state != CHECKED:
        raise Conflict("This import cannot be started now. Look at where it stands.")
    row.run, row.next_row = row.run + 1, 0
    row.asker = row.asker | {"user_name": scope.user_name, "user_id": str(scope.user_id or "")}
    _ring(scope, row, IMPORTING)
    announce(scope, row)
    return True


def cancel(scope: Scope, kind: RecordKind, import_id: UUID) -> None:
    """Stops after the chunk under way; at once if no worker has it. What is in stays."""
    # The worker holds the row while it writes a chunk, on a busy machine for longer than a page usually waits.
    db.session.execute(_PATIENCE)
    row = queries.get_import(scope, kind, import_id, lock=True)
    if row.state in WAITING:
        row.state, row.message = CANCELLED, "It was cancelled before anything was imported."
        row.finished_at = row.updated_at = scope.now
        discard_file(row)
    elif row.state in (CHECKING, IMPORTING):
        # Whoever works on it, or takes it over, stops before the next chunk and says how far it came.
        row.cancel_requested, row.updated_at = True, scope.now
        if row.worker is None:
            _ring_later(scope, row)
    db.session.flush()


def undo(scope: Scope, kind: RecordKind, import_id: UUID) -> bool:
    """Starts taking the import back; False if that is under way or done.

    Raises:
        Conflict: it is not finished, or put nothing in.
    """
    row = queries.get_import(scope, kind, import_id, lock=True)
    if row.state not in FINISHED and row.state not in RUNNING and row.state not in WAITING:
        return False
    if row.state == UNDOING:
        return False
    if row.state not in FINISHED:
        raise Conflict("This import is not finished; cancel it first.")
    if not row.created + row.updated:
        raise Conflict("This import put nothing in, so there is nothing to take back.")
    row.asker = row.asker | {"user_name": scope.user_name, "user_id": str(scope.user_id or "")}
    _ring(scope, row, UNDOING)
    return True


def ring_lapsed(scope: Scope) -> int:
    """Rings again for imports whose worker is gone; returns how many."""
    lapsed = queries.list_lapsed(scope.now)
    for import_id in lapsed:
        queue.enqueue(_JOB, queue="imports", timeout=_JOB_SECONDS, tenant_id=scope.tenant_id, import_id=import_id)
    return len(lapsed)


def forget_abandoned(scope: Scope) -> int:
    """Gives up uploads that nobody came back to for a week, and removes their files; returns how many."""
    query = (
        select(Import)
        .where(Import.state.in_(WAITING), Import.created_at <= scope.now - FORGOTTEN_AFTER)
        .order_by(Import.id)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    rows = list(db.session.scalars(query))
    for row in rows:
        row.state, row.message = CANCELLED, "Nobody went on with it for a week, so it was given up."
        row.finished_at = row.updated_at = scope.now
        discard_file(row)
    db.session.flush()
    return len(rows)


def _waiting(scope: Scope, kind: RecordKind, import_id: UUID) -> Import:
    row = queries.get_import(scope, kind, import_id, lock=True)
    if row.state not in WAITING:
        raise Conflict("This import is under way or finished; its columns cannot be changed any more.")
    return row


def _keep(
    scope: Scope, kind: RecordKind, stored: storage.StoredFile, filename: str, token: UUID, found: Inspection
) -> UUID | None:
    """Inserts the import; None if a twin with the same token was faster."""
    row = Import(
        tenant_id=scope.tenant_id,
        id=new_id(),
        kind=kind.name,
        filename=filename,
        file_key=stored.key,
        checksum=stored.checksum,
        token=token,
        asker=_asker(scope),
        created_by=scope.user_id,
        created_by_name=scope.user_name,
    )
    _describe(row, found)
    row.mapping = _numbered(_guessed(scope, kind, row.headers))
    values: dict[str, Any] = {
        column.key: getattr(row, column.key) if column.key in row.__dict__ else _default(column)
        for column in Import.__mapper__.column_attrs
    }
    values |= {"created_at": scope.now, "updated_at": scope.now, "version": 1}
    statement = insert(Import).values(values).on_conflict_do_nothing(constraint="uq_imports_token")
    return db.session.execute(statement.returning(Import.id)).scalar_one_or_none()


def _default(attribute: Any) -> Any:
    default = attribute.columns[0].default
    return default.arg if default is not None and default.is_scalar else None


def _describe(row: Import, found: Inspection) -> None:
    """What the file turned out to be."""
    row.format = found.format.to_dict()
    row.headers = [header[:200] for header in found.headers]
    row.total_rows = found.rows
    row.sheets, row.warnings = list(found.sheets), list(found.warnings)
    row.sample = [
        [cell.replace("\0", "\ufffd")[:_SAMPLE_LENGTH] for cell in sample.cells]
        for sample in found.sample[:_SAMPLE_ROWS]
    ]


def _guessed(scope: Scope, kind: RecordKind, headers: list[str]) -> list[str]:
    return mappings.guess(kind, headers, queries.find_mapping(scope, kind, headers))


def _numbered(mapping: Sequence[str]) -> dict[str, str]:
    return {str(index): name for index, name in enumerate(mapping)}


def _asker(scope: Scope) -> dict[str, str]:
    """What of the asker decides how a cell is read, and whose name the import carries."""
    return {
        "user_id": str(scope.user_id or ""),
        "user_name": scope.user_name,
        "locale": scope.locale,
        "zone": scope.zone,
        "region": scope.region,
        "currency": scope.currency,
    }


def _remember(scope: Scope, kind: RecordKind, headers: list[str], mapping: Sequence[str]) -> None:
    values = {"mapping": mappings.to_remember(headers, mapping), "updated_at": scope.now}
    statement = insert(ImportMapping).values(
        tenant_id=scope.tenant_id,
        id=uuid4(),
        kind=kind.name,
        signature=mappings.signature(headers),
        **values,
    )
    db.session.execute(statement.on_conflict_do_update(constraint="uq_import_mappings_signature", set_=values))


def _ring(scope: Scope, row: Import, state: str) -> None:
    """Makes the import run: it stands in the table first, so a lost ring is only late."""
    row.state, row.message = state, ""
    row.worker, row.attempts, row.cancel_requested = None, 0, False
    row.lease_until = scope.now + LEASE
    row.started_at, row.finished_at, row.updated_at = scope.now, None, scope.now
    row.version += 1
    db.session.flush()
    _ring_later(scope, row)


def _ring_later(scope: Scope, row: Import) -> None:
    tenant_id, import_id = scope.tenant_id, row.id
    after_commit(
        lambda: queue.enqueue(_JOB, queue="imports", timeout=_JOB_SECONDS, tenant_id=tenant_id, import_id=import_id)
    )
