"""Everything with a person's address as one ZIP: JSON for programs, CSV for spreadsheets, a page for people."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

from markupsafe import escape
from sqlalchemy import func, or_, select

from app.accounts.models import Device, TeamMember, User, UserSession
from app.core.events import EventRow, jsonable
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.models import Note
from app.core.scope import Scope
from app.core.storage import FileGone, files
from app.core.transfer.formulas import neutralise
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.privacy import holding
from app.privacy.erasing import Task
from app.privacy.queries import find_holding, is_in_words, is_mentioned, is_of_person, list_rows, list_slices

MOST = 10_000
"""Rows of one sort in an export; whoever has more has said so in the counts."""
_SECRET = (
    "password_hash",
    "token_hash",
    "previous_hash",
    "search",
    "search_text",
    "conversation_text",
    "tag_keys",
    "match_key",
    "key",
)
Table = list[dict[str, Any]]


def gather(task: Task) -> dict[str, Table]:
    """What there is, by place; bounded by `MOST` each."""
    found: dict[str, Table] = {}
    for kind in all_kinds():
        rows = _records(kind, task.address)
        if rows:
            found[kind.plural] = rows
            ids = [row["id"] for row in rows]
            found[f"{kind.plural}-notes"] = _plain(
                list_rows_where(Note, Note.kind == kind.name, Note.record_id.in_(ids))
            )
            for name, part in holding.parts_of(kind.name).items():
                found[f"{kind.plural}-{name}"] = _plain(list_rows_where(part.model, part.record.in_(ids)))
            found[f"{kind.plural}-history"] = _plain(list_rows_where(EventRow, EventRow.subject_id.in_(ids)))
    found["notes-that-mention"] = _walk(Note, is_mentioned(Note.body, task.address))
    for name, words in holding.all_words().items():
        found[f"{name}-that-mention"] = _walk(words.model, is_in_words(words, task.address))
    found["mails"] = _plain(list_rows_where(OutgoingMail, func.lower(OutgoingMail.to_address) == task.address))
    if task.user_id:
        found["account"] = _plain(list_rows_where(User, User.id == task.user_id))
        for name, model in (("sessions", UserSession), ("devices", Device), ("teams", TeamMember)):
            found[name] = _plain(list_rows_where(model, model.user_id == task.user_id))
        found["account-history"] = _plain(list_rows_where(EventRow, is_of_person(task.user_id)))
    for name, theirs in holding.everything().items():
        fits = [func.lower(column) == task.address for column in theirs.addresses]
        fits += [theirs.person == task.user_id] if task.user_id and theirs.person is not None else []
        found[name] = _plain(list_rows_where(theirs.model, or_(*fits))) if fits else []
    return {name: rows for name, rows in found.items() if rows}


def write_zip(scope: Scope, address: str, found: Mapping[str, Table]) -> BinaryIO:
    """The archive, at its beginning; on disk when it is larger than a few megabytes."""
    file = tempfile.SpooledTemporaryFile(max_size=4 * 2**20)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", _page(scope, address, found))
        archive.writestr("data.json", json.dumps(found, ensure_ascii=False, indent=1))
        for name, rows in found.items():
            archive.writestr(f"{name}.csv", _csv(rows))
        _write_files(archive, found)
    file.seek(0)
    return cast(BinaryIO, file)


def _write_files(archive: zipfile.ZipFile, found: Mapping[str, Table]) -> None:
    """The files that belong to the records, under `files/`; each by its id, as names may be the same."""
    for kind in all_kinds():
        for name, part in holding.parts_of(kind.name).items():
            if part.file is None:
                continue
            key, label = part.file
            ids = [row["id"] for row in found.get(f"{kind.plural}-{name}", ())]
            for row_id, file_key, file_name in db.session.execute(
                select(part.model.id, key, label).where(part.model.id.in_(ids)).order_by(part.model.id)
            ):
                packed_name = f"files/{row_id}-{file_name}"
                with suppress(FileGone), files().open(file_key) as stored, archive.open(packed_name, "w") as packed:
                    shutil.copyfileobj(stored, packed)


def list_rows_where(model: type[Any], *conditions: Any) -> list[Any]:
    """The newest rows that fit."""
    return list(db.session.scalars(select(model).where(*conditions).order_by(model.id.desc()).limit(MOST)))


def _records(kind: RecordKind, address: str) -> Table:
    condition = find_holding(kind, address)
    return [] if condition is None else _walk(kind.model, condition)


def _walk(model: type[Any], condition: Any) -> Table:
    rows: list[Any] = []
    for ids in list_slices(model, condition):
        rows += list_rows(model, ids[: MOST - len(rows)])
        if len(rows) >= MOST:
            break
    return _plain(rows)


def _plain(rows: Sequence[Any]) -> Table:
    """The columns as JSON holds them, without what is ours: hashes, seals, search keys."""
    return [
        {
            column.name: jsonable(getattr(row, column.name))
            for column in row.__table__.columns
            if _is_theirs(column.name)
        }
        for row in rows
    ]


def _is_theirs(name: str) -> bool:
    return name not in _SECRET and not name.endswith(("_sealed", "_key", "_order")) and name not in ("digest", "seal")


def _csv(rows: Table) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(neutralise(_text(value)) for value in row.values())
    return buffer.getvalue().encode("utf-8", "replace")


def _page(scope: Scope, address: str, found: Mapping[str, Table]) -> str:
    """Readable by itself in any browser, printed too; nothing in it runs or loads."""
    parts = [
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Data about {escape(address)}</title>"
            "<meta name=viewport content='width=device-width'><style>body{font:16px/1.5 sans-serif;margin:2rem auto;"
            "max-width:60rem;padding:0 1rem}table{border-collapse:collapse;margin:0 0 1.5rem}td,th{border:1px solid;"
            "padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}</style>"
            f"<h1>Data about {escape(address)}</h1><p>Kept by {escape(scope.tenant_name)}, as of "
            f"{escape(scope.now.isoformat(timespec='seconds'))}. The same is in data.json and in the CSV files.</p>"
        )
    ]
    for name, rows in found.items():
        parts.append(f"<h2>{escape(name.replace('-', ' ').capitalize())} ({len(rows)})</h2>")
        for row in rows:
            lines = (f"<tr><th scope=row>{escape(key)}<td>{escape(_text(item))}" for key, item in row.items() if item)
            parts.append(f"<table>{''.join(lines)}</table>")
    return "".join(parts)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
