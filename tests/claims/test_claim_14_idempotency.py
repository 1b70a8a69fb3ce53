"""Claim 14: twenty requests with one key at once have one effect and one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from app.core import idempotency
from app.core.clock import now
from app.core.scope import Scope
from jobs import records as jobs
from tests.support.programs import Program, personal_token, program_of
from tests.support.world import World

BODY = {"last_name": "Once"}


@pytest.fixture
def token(inside: Any, acme: Scope) -> str:
    return personal_token(inside, acme)


@pytest.fixture
def program(app: Flask, token: str) -> Program:
    return program_of(app, "acme", token)


def make(program: Program, key: str = "k1", **body: Any) -> Any:
    return program.post("/api/leads", json=BODY | body, headers={"Idempotency-Key": key})


def test_claim_14_twenty_at_once_one_effect_one_answer(app: Flask, token: str, world: World) -> None:
    def ask(_: int) -> tuple[int, str, str | None]:
        answer = make(program_of(app, "acme", token))
        return answer.status_code, answer.get_data(as_text=True), answer.headers.get("Retry-After")

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))
    statuses = Counter(status for status, _, _ in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert len({body for status, body, _ in answers if status == 201}) == 1
    assert all(wait == "1" for status, _, wait in answers if status == 409)
    assert [row["last_name"] for row in world.rows()] == ["Once"]
    assert world.all_events() == 1
    # Those who were told to wait get the one answer when they ask again.
    assert ask(0)[:2] == next((status, body) for status, body, _ in answers if status == 201)


def test_claim_14_the_answer_is_the_same_with_its_headers(program: Program, world: World) -> None:
    first, second = make(program), make(program)
    assert (first.status_code, first.get_data()) == (second.status_code, second.get_data())
    for header in ("Location", "ETag", "Content-Type"):
        assert first.headers[header] == second.headers[header]
    assert len(world.rows()) == 1
    assert make(program, "k2").get_json()["id"] != first.get_json()["id"]
    assert program.post("/api/leads", json=BODY).status_code == 201
    assert len(world.rows()) == 3


def test_claim_14_another_body_is_refused(program: Program, world: World) -> None:
    make(program)
    answer = make(program, city="Oslo")
    assert answer.status_code == 422
    assert "another request" in answer.get_json()["errors"]["Idempotency-Key"]
    assert len(world.rows()) == 1


def test_claim_14_still_running_is_409_and_a_crash_leaves_nothing(
    program: Program, acme: Scope, app: Flask, settings: Any, inside: Any, world: World
) -> None:
    """Another process holds the key in a transaction that is not over; then it dies."""
    import hashlib

    from app.core.db import libpq_url

    mine = hashlib.sha256(f"{acme.tenant_id}:{acme.user_id}:k1".encode()).digest()[:8]
    other = psycopg.connect(libpq_url(settings.database_url))
    other.execute("select pg_advisory_xact_lock(%s)", (int.from_bytes(mine, signed=True),))
    answer = make(program)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    assert "still running" in answer.get_json()["detail"]
    assert world.rows() == []
    other.close()
    assert make(program).status_code == 201


def test_claim_14_scoped_to_tenant_and_person(
    app: Flask, inside: Any, scope_in: Callable[..., Scope], program: Program, world: World
) -> None:
    first = make(program)
    agent = program_of(app, "acme", personal_token(inside, scope_in("acme", "agent")))
    stranger = program_of(app, "globex", personal_token(inside, scope_in("globex", "owner")))
    ids = {answer.get_json()["id"] for answer in (first, make(agent), make(stranger))}
    assert len(ids) == 3


def test_claim_14_what_was_refused_is_free_again(program: Program, world: World) -> None:
    assert make(program, last_name="x" * 500).status_code == 422
    assert make(program).status_code == 201
    assert len(world.rows()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "\u00e9", "\x7f"])
def test_claim_14_a_key_that_is_none(program: Program, key: str, world: World) -> None:
    assert make(program, key).status_code == 422
    assert world.rows() == []


def test_claim_14_kept_for_a_day(program: Program, admin: Any, world: World, app: Flask, acme: Scope) -> None:
    first = make(program)
    admin.execute("update idempotency_keys set expires_at = now() - interval '1 second'")
    second = make(program)
    assert (second.status_code, len(world.rows())) == (201, 2)
    assert second.get_json()["id"] != first.get_json()["id"]
    with app.app_context():
        jobs.purge_keys()
    assert admin.execute("select count(*) from idempotency_keys").fetchone() == (1,)
    admin.execute("update idempotency_keys set expires_at = now() - interval '1 second'")
    with app.app_context():
        jobs.purge_keys()
    assert admin.execute("select count(*) from idempotency_keys").fetchone() == (0,)
    assert timedelta(hours=24) == idempotency.KEPT
    assert now() > acme.now
