"""What happens to records of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class RecordCreated(Event):
    verb: ClassVar[str] = "created"
    title: str


@dataclass(frozen=True, slots=True)
class RecordChanged(Event):
    """`changes` maps a field's name to its value before and after; `version` is what they made, if known."""

    verb: ClassVar[str] = "changed"
    changes: Mapping[str, tuple[Any, Any]]
    version: int = 0


@dataclass(frozen=True, slots=True)
class StatusMoved(Event):
    """`seconds` is how long the record was in the status before."""

    verb: ClassVar[str] = "moved"
    before: str
    after: str
    reason: str
    seconds: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class RecordDeleted(Event):
    verb: ClassVar[str] = "deleted"
    title: str
    deletion_id: UUID


@dataclass(frozen=True, slots=True)
class RecordRestored(Event):
    verb: ClassVar[str] = "restored"
    deletion_id: UUID


@dataclass(frozen=True, slots=True)
class NoteAdded(Event):
    verb: ClassVar[str] = "noted"
    note_id: UUID


@dataclass(frozen=True, slots=True)
class NoteDeleted(Event):
    verb: ClassVar[str] = "note-deleted"
    note_id: UUID


@dataclass(frozen=True, slots=True)
class RecordsExported(Event):
    """The subject is the export itself; `columns` and `query` say what left the house, `rows` how much of it:
    counted up to ten thousand.
    """

    verb: ClassVar[str] = "exported"
    columns: tuple[str, ...]
    query: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ImportChanged(Event):
    """An import moved on: started, finished, cancelled, failed or undone. The subject is the import."""

    verb: ClassVar[str] = "import"
    state: str
    filename: str
    created: int
    updated: int
    skipped: int
    refused: int
