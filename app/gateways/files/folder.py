"""Uploaded files in a folder of this machine, a directory per tenant."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from app.core.storage import FileGone, FileTooLarge, StoredFile

_KEY = re.compile(r"[0-9a-f-]{36}/[0-9a-f]{48}")
_BLOCK = 2**18


class FolderFiles:
    """Files under one folder that only this process's user may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, tenant_id: UUID, stream: BinaryIO, limit: int) -> StoredFile:
        """Written block by block beside its place, and to the disk itself, then renamed: a half-written file has no
        key, and what has one is there also after a power cut."""
        key = new_key(tenant_id)
        place = self._folder / key
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = place.with_suffix(".part")
        try:
            with open(unfinished, "xb", opener=_private) as file:
                size, checksum = copy(stream, file, limit)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(place)
        finally:
            unfinished.unlink(missing_ok=True)
        return StoredFile(key, size, checksum)

    def path(self, key: str) -> Path:
        place = self._place(key)
        if not place.is_file():
            raise FileGone
        return place

    def open(self, key: str) -> BinaryIO:
        return self.path(key).open("rb")

    def used(self, tenant_id: UUID) -> int:
        folder = self._folder / str(tenant_id)
        sizes = 0
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                # One may go while we count.
                with suppress(FileNotFoundError):
                    sizes += entry.stat().st_size
        return sizes

    def keys(self, tenant_id: UUID) -> Iterator[tuple[str, datetime]]:
        with suppress(FileNotFoundError), os.scandir(self._folder / str(tenant_id)) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if not entry.name.endswith(".part"):
                        at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                        yield f"{tenant_id}/{entry.name}", at

    def delete(self, key: str) -> None:
        self._place(key).unlink(missing_ok=True)

    def _place(self, key: str) -> Path:
        return self._folder / checked_key(key)


def new_key(tenant_id: UUID) -> str:
    """Nobody can guess it, and it begins with the tenant."""
    return f"{tenant_id}/{secrets.token_hex(24)}"


def checked_key(key: str) -> str:
    """Keys come from our own tables; anything else is a mistake that must not become a path.

    Raises:
        ValueError: it is none.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("This is not the key of a stored file.")
    return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def copy(stream: BinaryIO, file: BinaryIO, limit: int) -> tuple[int, str]:
    """Copies block by block; the number of bytes and their SHA-256. Raises FileTooLarge above `limit` bytes."""
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise FileTooLarge(f"The file is larger than {limit // 2**20:,} MB. Split it and upload the parts.")
        digest.update(block)
        file.write(block)
    return size, digest.hexdigest()
