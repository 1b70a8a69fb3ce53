"""Uploaded files in a store that speaks S3: one bucket, the tenant first in every key.

`FILES_S3_URL` is `https://<key>:<secret>@<host>[:port]/<bucket>`. Without key and secret those of the environment or of
the machine's role are taken, as other clients of S3 do.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import urllib3
from minio import Minio
from minio.credentials import AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider
from minio.error import MinioException, S3Error

from app.core.storage import FileGone, FilesAway, StoredFile
from app.gateways.files.folder import checked_key, copy, new_key

_IN_MEMORY = 2**20
_PART = 5 * 2**20  # the least S3 takes; a part is held in memory
_BLOCK = 2**18
_COPY_KEPT = 24 * 3600
_GONE = {"NoSuchKey", "NoSuchObject", "NotFound"}


class S3Files:
    """Files as objects of a bucket. What needs a path gets a copy under `copies`, kept for a day."""

    def __init__(self, url: str, region: str, copies: Path) -> None:
        parts = urlsplit(url)
        self._bucket = parts.path.strip("/")
        self._copies = copies
        key, secret = (unquote(part or "") for part in (parts.username, parts.password))
        self._client = Minio(
            f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname),
            access_key=key or None,
            secret_key=secret or None,
            secure=parts.scheme == "https",
            region=region,
            credentials=None if key else ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()]),
            # The client's own defaults wait five minutes.
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=3, read=20),
                maxsize=8,
                retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
            ),
        )

    def save(self, tenant_id: UUID, stream: BinaryIO, limit: int) -> StoredFile:
        """Read whole before it is sent: what is too large never reaches the bucket."""
        key = new_key(tenant_id)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
            size, checksum = copy(stream, cast(BinaryIO, spooled), limit)
            spooled.seek(0)
            with _answered():
                body = cast(BinaryIO, spooled)
                self._client.put_object(self._bucket, key, body, size, part_size=_PART, num_parallel_uploads=1)
        return StoredFile(key, size, checksum)

    def path(self, key: str) -> Path:
        place = self._copies / checked_key(key)
        if not place.is_file():
            self._forget_old_copies()
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.open(key) as remote, tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as local:
                while block := remote.read(_BLOCK):
                    local.write(block)
            Path(local.name).rename(place)
        return place

    def open(self, key: str) -> BinaryIO:
        with _answered():
            return cast(BinaryIO, io.BufferedReader(_Body(self._client.get_object(self._bucket, checked_key(key)))))

    def used(self, tenant_id: UUID) -> int:
        with _answered():
            return sum(found.size or 0 for found in self._objects(tenant_id))

    def keys(self, tenant_id: UUID) -> Iterator[tuple[str, datetime]]:
        with _answered():
            for found in self._objects(tenant_id):
                if found.object_name:
                    yield found.object_name, found.last_modified or datetime.now(UTC)

    def delete(self, key: str) -> None:
        with _answered():
            self._client.remove_object(self._bucket, checked_key(key))
        (self._copies / key).unlink(missing_ok=True)

    def _objects(self, tenant_id: UUID) -> Iterator[Any]:
        return self._client.list_objects(self._bucket, prefix=f"{tenant_id}/", recursive=True)

    def _forget_old_copies(self) -> None:
        before = time.time() - _COPY_KEPT
        for place in self._copies.glob("*/*"):
            with suppress(FileNotFoundError):
                if place.stat().st_mtime < before:
                    place.unlink()


class _Body(io.RawIOBase):
    """An object as it arrives."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _answered():
            block = self._response.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._response.release_conn()
        super().close()


@contextmanager
def _answered() -> Iterator[None]:
    """What the store says, in our words. Raises FileGone, FilesAway."""
    try:
        yield
    except S3Error as error:
        if error.code in _GONE:
            raise FileGone from error
        raise FilesAway from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise FilesAway from error
