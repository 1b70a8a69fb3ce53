"""The same questions to each store of files: the folder, and a real server that speaks S3."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.config import ConfigurationError, Settings, load_settings
from app.core.storage import FileGone, Files, FilesAway, FileTooLarge
from app.gateways.files import store_of
from tests.support import s3_server

ACME, GLOBEX = UUID(int=1), UUID(int=2)
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server.running(tmp_path_factory.mktemp("objects")) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Files:
    url = request.getfixturevalue("s3_url") if request.param == "s3" else ""
    made = store_of(replace(settings, state_dir=tmp_path, files_s3_url=url))
    for tenant in (ACME, GLOBEX):
        for key, _ in list(made.keys(tenant)):
            made.delete(key)
    return made


def save(store: Files, content: bytes, tenant: UUID = ACME, limit: int = 50 * MEGABYTE) -> Any:
    return store.save(tenant, io.BytesIO(content), limit)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 4_000, b"y" * (9 * MEGABYTE)])
def test_what_was_kept_comes_back(store: Files, content: bytes) -> None:
    kept = save(store, content)
    assert kept.size == len(content)
    with store.open(kept.key) as file:
        assert file.read() == content
    assert store.path(kept.key).read_bytes() == content
    assert kept.key.startswith(f"{ACME}/")


def test_it_is_read_block_by_block(store: Files) -> None:
    content = bytes(range(256)) * 8_000
    kept = save(store, content)
    with store.open(kept.key) as file:
        read = b"".join(iter(lambda: file.read(65_536), b""))
    assert read == content


def test_too_large_is_refused_and_leaves_nothing(store: Files) -> None:
    with pytest.raises(FileTooLarge, match="larger than 1 MB"):
        save(store, b"x" * (MEGABYTE + 1), limit=MEGABYTE)
    assert store.used(ACME) == 0
    assert list(store.keys(ACME)) == []


def test_a_tenants_files_are_counted_and_listed_apart(store: Files) -> None:
    first, second = save(store, b"12345"), save(store, b"678")
    save(store, b"theirs", GLOBEX)
    assert store.used(ACME) == 8
    assert {key for key, _ in store.keys(ACME)} == {first.key, second.key}
    assert all(at.tzinfo for _, at in store.keys(ACME))


def test_what_was_deleted_is_gone_and_deleting_again_does_nothing(store: Files) -> None:
    kept = save(store, b"x")
    store.path(kept.key)
    store.delete(kept.key)
    store.delete(kept.key)
    with pytest.raises(FileGone):
        store.open(kept.key)
    with pytest.raises(FileGone):
        store.path(kept.key)


def test_claim_31_a_key_that_is_none_goes_nowhere(store: Files) -> None:
    for key in ("../../etc/passwd", "x", "", f"{ACME}/../{GLOBEX}", f"{ACME}/{'0' * 48}/x", f"{ACME}/{'0' * 48}\n"):
        for read in (store.open, store.path, store.delete):
            with pytest.raises(ValueError, match="not the key"):
                read(key)


def test_claim_31_a_large_file_takes_little_memory(store: Files) -> None:
    class Endless(io.RawIOBase):
        left = 40 * MEGABYTE

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.left)
            self.left -= size
            buffer[:size] = b"\0" * size
            return size

    tracemalloc.start()
    kept = store.save(ACME, io.BufferedReader(Endless()), 50 * MEGABYTE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.size == 40 * MEGABYTE
    assert most < 40 * MEGABYTE, f"{most:,} bytes"


def test_a_store_that_is_away_is_said_in_a_sentence(settings: Settings, tmp_path: Path) -> None:
    away = store_of(replace(settings, state_dir=tmp_path, files_s3_url="http://k:s@127.0.0.1:9/fairlead"))
    for ask in (lambda: save(away, b"x"), lambda: away.used(ACME), lambda: away.open(f"{ACME}/{'0' * 48}")):
        with pytest.raises(FilesAway, match="Nothing was saved"):
            ask()


def test_a_wrong_key_is_refused(s3_url: str, settings: Settings, tmp_path: Path) -> None:
    wrong = store_of(replace(settings, state_dir=tmp_path, files_s3_url=s3_url.replace("://S3RVER", "://wrong")))
    with pytest.raises(FilesAway):
        save(wrong, b"x")


@pytest.mark.parametrize("url", ["s3.example.com/bucket", "https://k:s@host", "ftp://k:s@host/bucket", "https://k@h/b"])
def test_an_address_that_is_none_is_refused_at_start(url: str, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x", "SECRET_KEY": "x" * 32}
    environ |= {"ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=", "FAIRLEAD_STATE": str(tmp_path), "FILES_S3_URL": url}
    with pytest.raises(ConfigurationError, match="FILES_S3_URL") as refused:
        load_settings(environ)
    assert "k:s" not in str(refused.value)
