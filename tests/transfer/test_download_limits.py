"""A download holds a connection as long as its reader takes: few at once, fewer for one tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.transfer import exporting
from tests.support.clients import PageClient
from tests.transfer.importing import imported, people

EXPORT = "/leads/export.csv?columns=all"


def test_readers_who_do_not_read_cannot_take_every_connection(
    as_role: Callable[..., PageClient], run_jobs: Any, monkeypatch: Any
) -> None:
    owner, stranger = as_role("owner"), as_role("owner", "globex")
    imported(owner, run_jobs, people(20))
    monkeypatch.setattr(exporting, "_BLOCK", 1)
    slow = [owner.get(EXPORT, buffered=False) for _ in range(exporting._MOST_STREAMS_OF_A_TENANT)]
    refused = owner.get(EXPORT)
    assert refused.status_code == 503
    assert "Other downloads are still under way" in refused.text
    assert stranger.get(EXPORT).status_code == 200, "another tenant's place was taken"
    for answer in slow:
        answer.close()
    assert owner.get(EXPORT).status_code == 200
    assert exporting._streams.total() == 0


def test_an_answer_that_nobody_reads_gives_its_place_back(owner: PageClient) -> None:
    for _ in range(exporting._MOST_STREAMS + 1):
        assert owner.head(EXPORT).status_code == 200
    assert exporting._streams.total() == 0


def test_a_database_without_a_free_connection_is_503(owner: PageClient, monkeypatch: Any) -> None:
    import psycopg

    def full(*args: Any, **kwargs: Any) -> Any:
        raise psycopg.OperationalError("FATAL: sorry, too many clients already")

    monkeypatch.setattr(exporting.psycopg, "connect", full)
    answer = owner.get(EXPORT)
    assert answer.status_code == 503
    assert "too many clients" not in answer.text
    assert exporting._streams.total() == 0
