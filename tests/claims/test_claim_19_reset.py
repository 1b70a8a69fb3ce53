"""Claim 19, the part of forgotten passwords: known, unknown, locked, disabled, invited and foreign addresses are
answered alike, in the same time, and what happens afterwards happens elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from email.message import EmailMessage
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.accounts import actions
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.servers import with_settings

_ROUNDS = 12


@pytest.fixture
def doors(crowd: Crowd, inside: Any, acme: Scope, client: PageClient, admin: Any) -> dict[str, str]:
    """An address of each sort."""
    with inside(acme):
        actions.disable_user(acme, crowd.id_of("viewer"))
        actions.invite_user(acme, email="invited@acme.example", name="", role="viewer")
    for _ in range(7):
        client.sign_in("manager@acme.example", "wrong, and wrong again")
    return {
        "known": "agent@acme.example",
        "unknown": "nobody@acme.example",
        "locked": "manager@acme.example",
        "disabled": "viewer@acme.example",
        "invited": "invited@acme.example",
        "foreign": "agent@globex.example",
    }


def test_claim_19_a_reset_is_answered_alike(client: PageClient, doors: dict[str, str]) -> None:
    answers = {}
    for name, email in doors.items():
        answer = client.submit("/forgot-password", {"email": email})
        said = client.get("/sign-in").toasts
        answers[name] = (answer.status_code, answer.location, answer.data, tuple(said))
    assert len(set(answers.values())) == 1, answers


def test_claim_19_a_reset_takes_the_same_steps(
    client: PageClient, doors: dict[str, str], count_queries: Callable[..., int], admin: Any
) -> None:
    counted = {}
    for name, email in doors.items():
        counted[name] = count_queries(client.submit("/forgot-password", {"email": email}))
    assert len(set(counted.values())) == 1, counted
    assert counted["known"] > 0
    waiting = admin.execute("select count(*) from challenges where purpose = 'forgotten-password'").fetchone()
    assert waiting == (len(doors),)
    links = admin.execute("select count(*) from links where purpose = 'new-password'").fetchone()
    assert links == (0,), "who it is comes out later, in the worker"


def test_claim_19_a_reset_takes_as_long(client: PageClient, doors: dict[str, str]) -> None:
    """Ratio of medians 0.9–1.1, asked in turn. A machine that is busy with other things may take several rounds."""
    client.csrf()
    ratios: dict[str, float] = {}
    for _ in range(_ROUNDS):
        times: dict[str, list[float]] = {name: [] for name in doors}
        for _ in range(30):
            for name, email in random.sample(sorted(doors.items()), len(doors)):
                started = perf_counter()
                client.submit("/forgot-password", {"email": email}, check=False)
                times[name].append(perf_counter() - started)
        ratios = {name: median(found) / median(times["unknown"]) for name, found in times.items()}
        if all(0.9 <= ratio <= 1.1 for ratio in ratios.values()):
            return
    raise AssertionError(f"whether somebody is here can be heard: {ratios}")


def test_claim_19_afterwards_only_who_may_come_in_gets_a_mail(
    client: PageClient, doors: dict[str, str], sent_mails: Callable[[], list[EmailMessage]]
) -> None:
    before = len(sent_mails())
    for email in doors.values():
        client.submit("/forgot-password", {"email": email})
    got = sorted((str(mail["To"]).partition("<")[2], str(mail["Subject"])) for mail in sent_mails()[before:])
    assert got == [
        ("agent@acme.example>", "Choose a new password for Acme"),
        ("invited@acme.example>", "Your invitation to Acme"),
        ("manager@acme.example>", "Choose a new password for Acme"),
    ]


def test_claim_19_asking_is_limited_by_account_and_by_address(app: Flask, settings: Any) -> None:
    client = client_of(create_app(with_settings(settings, rate_limits=True)), "acme")
    client.csrf()
    for email in ("agent@acme.example", "nobody@acme.example"):
        codes = [client.submit("/forgot-password", {"email": email}).status_code for _ in range(6)]
        assert codes == [303] * 5 + [429], email
    codes = [client.submit("/forgot-password", {"email": f"n{n}@acme.example"}).status_code for n in range(15)]
    assert codes[-1] == 429
