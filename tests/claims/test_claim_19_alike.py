"""Claim 19, sign-in: unknown, wrong, locked and disabled are answered alike, in status, body and time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from flask import Flask

from app.accounts import actions, queries
from app.core import cache
from app.core.clock import now
from tests.conftest import client_of
from tests.support.clients import PageClient, PageResponse
from tests.support.servers import PASSWORD

ROUNDS, TRIES = 20, 15
_VARIES = re.compile(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}|[\w.+-]+@[\w.-]+")


@pytest.fixture
def doors(app: Flask, admin: Any, inside: Callable[..., Any], acme: Any) -> dict[str, dict[str, str]]:
    """What is typed for each case. Nobody else is locked, however often they try."""
    admin.execute("update tenants set policy = '{\"lockout_tries\": 100000}'")
    admin.execute("update users set disabled_at = now() where email = 'manager@acme.example'")
    with app.app_context():
        cache.bump("all", "tenant")
    with inside(acme):
        admin.execute(
            "insert into sign_in_guards (tenant_id, id, account_key, source, failures, rounds, last_failed_at, "
            "locked_until) values (%s, gen_random_uuid(), %s, '127.0.0.1', 0, 1, %s, %s)",
            (
                acme.tenant_id,
                queries.account_hash(acme.tenant_id, "viewer@acme.example"),
                now(),
                now() + timedelta(hours=1),
            ),
        )
    return {
        "wrong": {"email": "agent@acme.example", "password": "wrong wrong wrong"},
        "unknown": {"email": "nobody@acme.example", "password": "wrong wrong wrong"},
        "disabled": {"email": "manager@acme.example", "password": PASSWORD},
        "locked": {"email": "viewer@acme.example", "password": PASSWORD},
    }


def test_claim_19_status_and_body_are_the_same(
    client: PageClient, doors: dict[str, dict[str, str]], count_queries: Callable[[PageResponse], int]
) -> None:
    answers = {}
    for name, typed in doors.items():
        for _ in range(2):
            answer = client.submit("/sign-in", typed)
        assert answer.status_code == 422
        assert answer.problems == [actions.REFUSED]
        answers[name] = (_VARIES.sub("…", answer.get_data(as_text=True)), sorted(answer.headers.keys()))
        answers[name] += (count_queries(answer),)
    first = answers.pop("wrong")
    for name, answer in answers.items():
        assert answer == first, f"{name} differs from a wrong password"


def test_claim_19_they_take_as_long(app: Flask, doors: dict[str, dict[str, str]]) -> None:
    """Ratio of medians 0.9–1.1, asked in turn. A machine that is busy with other things may take several rounds."""
    client = client_of(app, "acme")
    for typed in doors.values():
        client.submit("/sign-in", typed)
    ratios: dict[str, float] = {}
    for _ in range(ROUNDS):
        times: dict[str, list[float]] = {name: [] for name in doors}
        for _ in range(TRIES):
            for name, typed in doors.items():
                began = perf_counter()
                client.submit("/sign-in", typed)
                times[name].append(perf_counter() - began)
        ratios = {name: median(found) / median(times["wrong"]) for name, found in times.items()}
        if all(0.9 < ratio < 1.1 for ratio in ratios.values()):
            return
    raise AssertionError(f"told apart by time: {ratios}")


def test_claim_19_the_log_knows_which_was_which(
    client: PageClient, doors: dict[str, dict[str, str]], admin: Any
) -> None:
    for typed in doors.values():
        client.submit("/sign-in", typed)
    rows = admin.execute(
        "select data->>'reason', data->>'address', exists (select 1 from users u where u.id = subject_id) "
        "from events where type = 'sign_in.refused' order by at, id"
    ).fetchall()
    assert rows == [
        ("wrong password", None, True),
        ("unknown address", "n***@acme.example", False),
        ("disabled", None, True),
        ("locked", None, True),
    ]
