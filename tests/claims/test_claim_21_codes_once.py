"""Claim 21: a step of an authenticator is accepted once, also A, B, A; two at once → one; recovery codes once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask

from app.accounts import actions, queries
from app.accounts.actions import Origin, Waiting
from app.core.errors import Invalid
from app.core.scope import Scope
from tests.support.servers import PASSWORD

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)
HERE = Origin("192.0.2.1", "A browser")


class Desk:
    """acme's owner with an authenticator app."""

    def __init__(self, inside: Callable[..., Any], scope: Scope) -> None:
        self.inside, self.scope = inside, scope
        with inside(scope):
            early = replace(scope, now=AT - timedelta(hours=1))
            token = actions.begin_authenticator(early)
            secret = actions.find_new_secret(early, token)
            assert secret is not None
            self.phone = pyotp.TOTP(secret)
            self.codes = actions.add_authenticator(early, token, self.phone.at(early.now))

    def waiting(self, at: datetime) -> str:
        with self.inside(self.scope):
            found = actions.sign_in(
                queries.find_tenant("acme"), HERE, email="owner@acme.example", password=PASSWORD, at=at
            )
        assert isinstance(found, Waiting)
        return found.token

    def answer(self, token: str, at: datetime, **typed: str) -> bool:
        """Whether this opens the sign-in that waits."""
        with self.inside(self.scope):
            try:
                actions.answer_with_code(queries.find_tenant("acme"), token, HERE, at=at, **typed)
            except Invalid:
                return False
        return True

    def tries(self, code: str, at: datetime) -> bool:
        return self.answer(self.waiting(at), at, code=code)


@pytest.fixture
def desk(inside: Callable[..., Any], acme: Scope) -> Desk:
    return Desk(inside, acme)


def test_claim_21_a_b_a(desk: Desk) -> None:
    a, b = desk.phone.at(AT), desk.phone.at(AT + STEP)
    assert desk.tries(a, AT)
    assert not desk.tries(a, AT), "A again"
    assert desk.tries(b, AT), "B, of the next step: the window reaches it"
    assert not desk.tries(a, AT), "A after B"
    assert not desk.tries(b, AT + STEP)
    assert desk.tries(desk.phone.at(AT + 2 * STEP), AT + 2 * STEP)


def test_claim_21_the_window_is_a_step_either_way(desk: Desk) -> None:
    assert not desk.tries(desk.phone.at(AT - 2 * STEP), AT)
    assert not desk.tries(desk.phone.at(AT + 2 * STEP), AT)
    assert desk.tries(desk.phone.at(AT - STEP), AT)


def test_claim_21_an_earlier_step_is_never_accepted_after_a_later_one(desk: Desk) -> None:
    assert desk.tries(desk.phone.at(AT + STEP), AT)
    assert not desk.tries(desk.phone.at(AT), AT)


@pytest.mark.parametrize("how", ["code", "recovery_code"])
def test_claim_21_two_at_the_same_time_are_one(app: Flask, desk: Desk, how: str) -> None:
    """Two sign-ins of one person whose phone was looked over the shoulder."""
    for number in range(5):
        at = AT + 4 * number * STEP
        code = desk.phone.at(at) if how == "code" else desk.codes[number]
        together = threading.Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            waiting = [threads.submit(_answer, desk, together, desk.waiting(at), at, {how: code}) for _ in range(2)]
            assert sorted(one.result() for one in waiting) == [False, True]


def _answer(desk: Desk, together: threading.Barrier, token: str, at: datetime, typed: dict[str, str]) -> bool:
    together.wait()
    return desk.answer(token, at, **typed)


def test_claim_21_a_recovery_code_opens_once(desk: Desk) -> None:
    assert desk.answer(desk.waiting(AT), AT, recovery_code=desk.codes[0])
    assert not desk.answer(desk.waiting(AT), AT, recovery_code=desk.codes[0])
    assert desk.answer(desk.waiting(AT), AT, recovery_code=desk.codes[1].upper())


def test_claim_21_the_secret_is_sealed_for_its_row(desk: Desk, admin: Any) -> None:
    (stored,) = admin.execute("select secret_sealed from totp_secrets").fetchone()
    assert desk.phone.secret not in stored
    assert stored.startswith("t2.")
