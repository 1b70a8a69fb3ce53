"""Where uploaded files lie: a tenant's file has an unguessable key, and no path ever comes from a person.

The gateway behind it is set at start (`app.extensions["fairlead.files"]`); core knows this Protocol only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from flask import current_app

from app.core.errors import FairleadError

EXTENSION = "fairlead.files"


class FileTooLarge(FairleadError):
    """The upload has more bytes than we take."""

    status = 413
    title = "Too large"


class FileGone(FairleadError):
    """The file was removed meanwhile, because its work was finished or given up."""

    status = 410
    title = "The file is gone"

    def __init__(self, message: str = "The uploaded file is no longer here. Upload it again.") -> None:
        super().__init__(message)


class FilesAway(FairleadError):
    """The store does not answer, or refuses us."""

    status = 503
    title = "Please try again in a moment"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("The store of files is not answering. Nothing was saved; wait a moment and try again.")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was kept: under which key, how many bytes, and their SHA-256."""

    key: str
    size: int
    checksum: str


class Files(Protocol):
    """A store of files. Each call raises FilesAway when the store cannot be reached."""

    def save(self, tenant_id: UUID, stream: BinaryIO, limit: int) -> StoredFile:
        """Keeps the bytes of `stream`, or nothing at all. Raises FileTooLarge above `limit` bytes."""

    def path(self, key: str) -> Path:
        """A local path of the file, for reading. Raises FileGone."""

    def open(self, key: str) -> BinaryIO:
        """The file's bytes. Raises FileGone."""

    def used(self, tenant_id: UUID) -> int:
        """How many bytes the tenant's files have."""

    def keys(self, tenant_id: UUID) -> Iterator[tuple[str, datetime]]:
        """The keys of the tenant's files, each with when it was kept; in no order."""

    def delete(self, key: str) -> None:
        """Removes the file; does nothing if it is gone."""


def files() -> Files:
    """The store of this application."""
    return current_app.extensions[EXTENSION]
