"""Claim 14, for replies: a double click, a retry of the browser and twenty at once are one reply."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from tests.support.clients import PageClient
from tests.support.programs import personal_token, program_of
from tests.support.talk import Talk
from tests.support.world import World


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_claim_14_twenty_forms_at_once_are_one_message(
    as_role: Callable[..., PageClient], talk: Talk, kind: str
) -> None:
    ticket = talk.world.add()
    clients = [as_role("agent") for _ in range(4)]
    forms = [{"kind": kind, "body": "Once.", "key": "one-form", "csrf_token": client.csrf()} for client in clients]

    def send(number: int) -> tuple[int, str]:
        made = clients[number % 4]
        answer = made.post(f"/tickets/{ticket}/messages", data=forms[number % 4])
        return answer.status_code, answer.headers.get("Location", "")

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(send, range(20)))
    assert {status for status, _ in answers} == {303}
    assert len({place for _, place in answers}) == 1
    assert [row["body"] for row in talk.messages(ticket)] == ["Once."]


def test_claim_14_twenty_programs_at_once_are_one_message(app: Flask, talk: Talk, inside: Any, acme: Scope) -> None:
    ticket, token = talk.world.add(), personal_token(inside, acme)

    def send(_: int) -> int:
        body = {"kind": "reply", "body": "Once."}
        answer = program_of(app, "acme", token).post(
            f"/api/tickets/{ticket}/messages", json=body, headers={"Idempotency-Key": "k"}
        )
        return int(answer.status_code)

    with ThreadPoolExecutor(20) as threads:
        statuses = set(threads.map(send, range(20)))
    assert statuses <= {201, 409}
    assert len(talk.messages(ticket)) == 1
    assert send(0) == 201
    assert len(talk.messages(ticket)) == 1


def test_claim_14_a_key_is_ones_own(as_role: Callable[..., PageClient], talk: Talk) -> None:
    ticket = talk.world.add()
    for role in ("agent", "manager"):
        form = {"kind": "note", "body": f"By the {role}.", "key": "same"}
        assert as_role(role).submit(f"/tickets/{ticket}/messages", form).status_code == 303
    assert len(talk.messages(ticket)) == 2


def test_claim_14_a_reply_leaves_once_however_many_workers_look(app: Flask, talk: Talk) -> None:
    ticket = talk.world.add()
    reply = talk.reply(ticket)
    with ThreadPoolExecutor(8) as threads:
        left = list(threads.map(lambda _: talk.release(reply), range(16)))
    assert left.count(True) == 1
    assert talk.world.event_types(ticket).count("replied") == 1
