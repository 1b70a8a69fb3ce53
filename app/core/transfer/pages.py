"""What the import pages print: an import's row turned into dataclasses of text and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.moments import show_instant
from app.core.people import list_people
from app.core.records.kind import RecordKind
from app.core.scope import Scope
from app.core.transfer import forms, queries
from app.core.transfer import mapping as mappings
from app.core.transfer.mapping import Choices
from app.core.transfer.models import (
    CANCELLED,
    CHECKED,
    CHECKING,
    FAILED,
    FINISHED,
    IMPORTED,
    IMPORTING,
    RUNNING,
    UNDOING,
    UNDONE,
    UPLOADED,
    Import,
)

_STATES = {
    UPLOADED: ("Columns to choose", "info"),
    CHECKING: ("Being checked", "accent"),
    CHECKED: ("Checked, not imported", "info"),
    IMPORTING: ("Importing", "accent"),
    IMPORTED: ("Imported", "success"),
    CANCELLED: ("Cancelled", "neutral"),
    FAILED: ("Failed", "danger"),
    UNDOING: ("Being taken back", "accent"),
    UNDONE: ("Taken back", "neutral"),
}


@dataclass(frozen=True, slots=True)
class ImportItem:
    """One line of the list of imports."""

    id: UUID
    filename: str
    state: str
    state_label: str
    tone: str
    by: str
    at: datetime
    at_text: str
    created: int
    updated: int
    skipped: int
    refused: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file on the mapping page."""

    index: int
    header: str
    samples: tuple[str, ...]
    chosen: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class MappingForm:
    """The mapping page: columns with what they may be, and what holds for all rows."""

    columns: tuple[Column, ...]
    choices: Mapping[str, list[tuple[str, str]]]
    values: Choices
    people: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    errors: Mapping[str, str]
    encodings: Sequence[tuple[str, str]] = ()
    encoding: str = ""
    delimiters: Sequence[tuple[str, str]] = ()
    delimiter: str = ""
    sheets: tuple[tuple[str, str], ...] = ()
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A refused row."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running import is; `total` is None while nobody knows it."""

    label: str
    done: int
    total: int | None
    detail: str
    may_cancel: bool


@dataclass(frozen=True, slots=True)
class ImportPage:
    """An import as its page shows it."""

    item: ImportItem
    total: int | None
    counts: tuple[tuple[str, int, str], ...]
    message: str
    earlier: ImportItem | None = None
    mapping: MappingForm | None = None
    progress: Progress | None = None
    problems: tuple[ProblemLine, ...] = ()
    refused: int = 0
    may_start: bool = False
    may_undo: bool = False


def list_page(scope: Scope, kind: RecordKind) -> list[ImportItem]:
    return [_item(scope, row) for row in queries.list_imports(scope, kind)]


def import_page(
    scope: Scope,
    kind: RecordKind,
    row: Import,
    *,
    mapping: bool = False,
    choices: Choices | None = None,
    errors: Mapping[str, str] | None = None,
) -> ImportPage:
    """The import as it stands; with `mapping`, its columns can be corrected once more before it is started."""
    waiting = row.state in (UPLOADED, CHECKED)
    earlier = queries.find_earlier(scope, kind, row) if waiting or row.state == CHECKING else None
    shows_form = row.state == UPLOADED or (mapping and row.state == CHECKED)
    return ImportPage(
        item=_item(scope, row),
        total=row.total_rows,
        counts=_counts(row),
        message=row.message,
        earlier=_item(scope, earlier) if earlier else None,
        mapping=_mapping_form(scope, kind, row, choices, errors or {}) if shows_form else None,
        progress=_progress(scope, row) if row.state in RUNNING else None,
        problems=_problems(scope, row) if row.state not in RUNNING and not shows_form else (),
        refused=_refused(row),
        may_start=row.state == CHECKED and row.checked_created + row.checked_updated > 0,
        may_undo=row.state in FINISHED and row.created + row.updated > 0,
    )


def _item(scope: Scope, row: Import) -> ImportItem:
    label, tone = _STATES[row.state]
    at = row.finished_at or row.created_at
    at_text = show_instant(at, scope.zone_info, scope.locale)
    checked = row.state in (CHECKING, CHECKED)
    counts = (
        (row.checked_created, row.checked_updated, row.checked_skipped, row.checked_refused)
        if checked
        else (row.created, row.updated, row.skipped, row.refused)
    )
    return ImportItem(row.id, row.filename, row.state, label, tone, row.created_by_name, at, at_text, *counts)


def _counts(row: Import) -> tuple[tuple[str, int, str], ...]:
    """What the check found, what the import did, or what taking it back did: (label, number, tone)."""
    if row.state in (UPLOADED, CHECKING):
        return ()
    if row.state == CHECKED:
        return (
            ("Will be created", row.checked_created, "success"),
            ("Will be updated", row.checked_updated, "info"),
            ("Will be skipped", row.checked_skipped, "neutral"),
            ("Refused", row.checked_refused, "danger" if row.checked_refused else "neutral"),
        )
    if row.state in (UNDOING, UNDONE):
        return (
            ("Removed", row.removed, "neutral"),
            ("Restored", row.restored, "info"),
            ("Kept", row.kept, "warning" if row.kept else "neutral"),
        )
    return (
        ("Created", row.created, "success"),
        ("Updated", row.updated, "info"),
        ("Skipped", row.skipped, "neutral"),
        ("Refused", row.refused, "danger" if row.refused else "neutral"),
    )


def _refused(row: Import) -> int:
    return row.checked_refused if row.state in (CHECKED, UPLOADED, CHECKING) else row.refused


def _problems(scope: Scope, row: Import) -> tuple[ProblemLine, ...]:
    return tuple(
        ProblemLine(problem.row_number, problem.column_name, problem.message)
        for problem in queries.list_problems(scope, row)
    )


def _progress(scope: Scope, row: Import) -> Progress:
    if row.state == UNDOING:
        done = row.removed + row.restored + row.kept
        most = max(row.created + row.updated, done) or None
        return Progress("Taking it back", done, most, _speed(scope, row, done), False)
    label = "Checking the rows" if row.state == CHECKING else "Importing the rows"
    total = max(row.total_rows, row.next_row) if row.total_rows else None
    detail = "It stops after the rows under way." if row.cancel_requested else _speed(scope, row, row.next_row)
    return Progress(label, row.next_row, total, detail, not row.cancel_requested)


def _speed(scope: Scope, row: Import, done: int) -> str:
    seconds = (scope.now - row.started_at).total_seconds() if row.started_at else 0
    if not done or seconds < 0.5:
        return "Waiting for its turn." if not done and row.worker is None else "Just begun."
    return f"{done / seconds:,.0f} rows a second. You may leave this page; nothing is lost."


def _mapping_form(
    scope: Scope, kind: RecordKind, row: Import, choices: Choices | None, errors: Mapping[str, str]
) -> MappingForm:
    chosen = choices or Choices(
        mapping=[row.mapping.get(str(index), "") for index in range(len(row.headers))],
        duplicates=row.duplicates,
        day_first=row.day_first,
        owner_id=row.owner_id,
        tag=row.tag,
    )
    columns = tuple(
        Column(
            index,
            header,
            tuple(line[index] for line in row.sample if index < len(line) and line[index]),
            chosen.mapping[index],
            errors.get(f"column-{index}", ""),
        )
        for index, header in enumerate(row.headers)
    )
    form, text = row.format, row.format["kind"] == "csv"
    return MappingForm(
        columns=columns,
        choices=mappings.choices(kind),
        values=chosen,
        people=tuple((str(person.id), person.name) for person in list_people(scope) if person.active),
        warnings=tuple(row.warnings),
        errors=errors,
        encodings=_with(forms.ENCODINGS, form["encoding"]) if text else (),
        encoding=form["encoding"] or "",
        delimiters=forms.delimiter_choices() if text else (),
        delimiter=forms.delimiter_name(form["delimiter"]),
        sheets=tuple((name, name) for name in row.sheets) if len(row.sheets) > 1 else (),
        sheet=form["sheet"] or "",
    )


def _with(known: Sequence[tuple[str, str]], found: str | None) -> Sequence[tuple[str, str]]:
    """The encodings to choose from, and the one that was found if it is not among them."""
    if not found or any(found == value for value, _ in known):
        return known
    return ((found, found), *known)
