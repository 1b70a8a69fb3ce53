"""Which keys a dry run has met in the file so far: on disk, so that a million of them cost no memory."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Collection, Iterable
from types import TracebackType
from typing import Self


class Seen:
    """A set of keys in a temporary file; use as a context, the file goes with it."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="fairlead-seen-")  # noqa: SIM115 - closed by __exit__
        self._keys = sqlite3.connect(self._file.name, isolation_level=None)
        # Lost with the process anyway: no journal, no waiting for the disk, 16 MB of cache.
        for setting in ("journal_mode = off", "synchronous = off", "cache_size = -16000"):
            self._keys.execute(f"pragma {setting}")
        self._keys.execute("create table seen (key blob primary key) without rowid")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keys.close()
        self._file.close()

    def among(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that were met before."""
        look = "select 1 from seen where key = ?"
        return {key for key in keys if self._keys.execute(look, (_digest(key),)).fetchone()}

    def add(self, keys: Collection[str]) -> None:
        self._keys.execute("begin")
        self._keys.executemany("insert or ignore into seen values (?)", ((_digest(key),) for key in keys))
        self._keys.execute("commit")


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
