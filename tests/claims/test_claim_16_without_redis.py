"""Claim 16: with Redis away, sign-in, pages and writes work, limits hold, and nothing that was accepted is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask

from app import create_app
from app.config import Settings
from app.extensions import limiter
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.servers import PASSWORD, with_settings
from tests.support.world import World
from tests.transfer.importing import Upload, send

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def away(app: Flask, settings: Settings) -> Iterator[PageClient]:
    """An owner's client of an application that cannot reach Redis."""
    client = client_of(create_app(with_settings(settings, redis_url=NOWHERE, rate_limits=True)), "acme")
    assert client.sign_in("owner@acme.example", PASSWORD).status_code == 303
    yield client
    # The limiter is one for all applications of this process, and the others have none.
    limiter.enabled = False


def test_claim_16_pages_and_writes_work(away: PageClient, world: World) -> None:
    assert away.submit("/leads/", {"last_name": "Kept", "email": "kept@example.com"}).status_code == 303
    (lead,) = [row["id"] for row in world.rows()]
    address = f"/leads/{lead}"
    edit = {"last_name": "Kept", "email": "kept@example.com", "company": "Ours", "version": "1"}
    assert away.submit(f"{address}/edit", edit).status_code == 303
    assert away.submit(f"{address}/notes", {"body": "A note"}).status_code == 303
    assert away.submit("/leads/views", {"name": "Mine"}).status_code == 303
    for path in ("/leads/", "/leads/?q=kept", "/leads/count", address, "/leads/imports", "/leads/export.csv"):
        answer = away.get(path)
        assert answer.status_code == 200, path
        assert path != "/leads/" or "Kept" in answer.text
    assert away.submit(f"{address}/delete").status_code == 303
    assert world.rows() == []
    assert world.event_types(lead) == ["created", "changed", "noted", "deleted"]


def test_claim_16_work_for_later_waits_in_postgresql(
    away: PageClient, admin: Any, run_jobs: Callable[[], int], bell: redis.Redis, app: Flask
) -> None:
    """An import accepted with Redis away is done by the sweeps once it is back."""
    from jobs import events, imports

    answer = send(away, b"last name,email\nDoe,doe@example.com\n")
    assert answer.status_code == 303
    made = Upload(away, answer.headers["Location"])
    made.check()
    assert run_jobs() == 0
    assert admin.execute("select count(*) from outbox").fetchone() != (0,)
    for state in ("checked", "imported"):
        admin.execute("update imports set lease_until = now() - interval '1 second' where lease_until is not null")
        with app.app_context():
            events.sweep()
            imports.sweep()
        run_jobs()
        assert admin.execute("select state from imports").fetchone() == (state,)
        if state == "checked":
            made.start()
    assert admin.execute("select count(*) from leads").fetchone() == (1,)
    bell.flushdb()
    with app.app_context():
        events.sweep()
    run_jobs()
    assert admin.execute("select count(*) from outbox").fetchone() == (0,)


def test_claim_16_limits_hold_in_this_process(away: PageClient) -> None:
    guesser = client_of(away.application, "acme")
    wrong = {"email": "agent@acme.example", "password": "wrong"}
    statuses = [guesser.submit("/sign-in", wrong).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_claim_16_sign_out_counts_at_once(away: PageClient) -> None:
    cookie = away.get_cookie("fairlead-acme", path="/t/acme")
    assert cookie is not None
    assert away.submit("/sign-out").status_code == 303
    away.set_cookie("fairlead-acme", cookie.value, path="/t/acme")
    assert away.get("/leads/").status_code == 303
