"""Links in mail: good once, for a time, for one person of one tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.accounts import actions
from app.accounts.actions import DeadLink
from app.accounts.rules import CONFIRM_ADDRESS, INVITATION, NEW_PASSWORD, PURPOSES, UNDO_ADDRESS, Dead
from app.core import logs
from app.core.clock import now
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.people import Crowd

Inside = Callable[..., Any]


@pytest.fixture
def agent_id(crowd: Crowd) -> UUID:
    return crowd.id_of("agent")


@pytest.fixture
def issue(acme: Scope, inside: Inside, agent_id: UUID) -> Callable[..., str]:
    def make(purpose: str = NEW_PASSWORD, at_once: timedelta = timedelta(0)) -> str:
        with inside(acme):
            return actions.issue_link(replace(acme, now=now() - at_once), purpose, agent_id, {"email": "new@x.example"})

    return make


def why(acme: Scope, inside: Inside, token: str, tenant: Scope | None = None) -> Dead | None:
    with inside(tenant or acme):
        try:
            actions.look_at_link((tenant or acme).tenant_id, token, now())
        except DeadLink as dead:
            return dead.why
    return None


def test_looking_uses_nothing_up(acme: Scope, inside: Inside, issue: Callable[..., str], agent_id: UUID) -> None:
    token = issue()
    assert [why(acme, inside, token) for _ in range(3)] == [None, None, None]
    with inside(acme):
        link = actions.redeem_link(acme.tenant_id, token, now(), NEW_PASSWORD)
        assert (link.user_id, link.data) == (agent_id, {"email": "new@x.example"})
    assert why(acme, inside, token) is Dead.USED


def test_an_error_gives_it_back(acme: Scope, inside: Inside, issue: Callable[..., str]) -> None:
    token = issue()
    with pytest.raises(ZeroDivisionError), inside(acme):
        actions.redeem_link(acme.tenant_id, token, now(), NEW_PASSWORD)
        raise ZeroDivisionError
    assert why(acme, inside, token) is None


def test_only_a_hash_is_stored(issue: Callable[..., str], admin: Any) -> None:
    token = issue()
    rows = admin.execute("select l::text from links l").fetchall()
    assert len(rows) == 1
    assert token not in rows[0][0]
    assert token[32:60] not in rows[0][0]
    assert not admin.execute("select 1 from events where data::text like %s", (f"%{token[32:60]}%",)).fetchall()


@pytest.mark.parametrize("purpose", PURPOSES)
def test_it_expires(acme: Scope, inside: Inside, issue: Callable[..., str], purpose: str) -> None:
    lifetime = PURPOSES[purpose].lifetime
    assert why(acme, inside, issue(purpose, lifetime - timedelta(seconds=30))) is None
    assert why(acme, inside, issue(purpose, lifetime)) is Dead.EXPIRED


def test_a_new_one_ends_the_one_before(acme: Scope, inside: Inside, issue: Callable[..., str]) -> None:
    first, other, second = issue(), issue(CONFIRM_ADDRESS), issue()
    assert why(acme, inside, first) is Dead.REPLACED
    assert why(acme, inside, second) is None
    assert why(acme, inside, other) is None, "another purpose is another matter"


def test_the_way_back_to_an_address_is_not_ended_by_a_later_one(
    acme: Scope, inside: Inside, issue: Callable[..., str]
) -> None:
    first, second = issue(UNDO_ADDRESS), issue(UNDO_ADDRESS)
    assert [why(acme, inside, token) for token in (first, second)] == [None, None]


def test_altered_foreign_and_made_up_are_unknown(
    acme: Scope, globex: Scope, inside: Inside, issue: Callable[..., str]
) -> None:
    token = issue()
    assert why(acme, inside, token, globex) is Dead.UNKNOWN
    head, dot, signature = token.rpartition(".")
    other = issue(CONFIRM_ADDRESS)
    for wrong in (
        *(token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 5, 40, 70)),
        *("", ".", "x", token[:-1], token + "x", head, f"{head}{dot}", f"{other.rpartition('.')[0]}.{signature}"),
        *("0" * 32 + token[32:], "é" * 40, "\x00", "x" * 10_000, f"{token}\n"),
    ):
        assert why(acme, inside, wrong) is Dead.UNKNOWN, wrong[:80]


def test_for_another_purpose_it_is_unknown_and_not_used_up(
    acme: Scope, inside: Inside, issue: Callable[..., str]
) -> None:
    token = issue(CONFIRM_ADDRESS)
    with pytest.raises(DeadLink), inside(acme):
        actions.redeem_link(acme.tenant_id, token, now(), NEW_PASSWORD)
    assert why(acme, inside, token) is None


def test_disabling_ends_them(acme: Scope, inside: Inside, issue: Callable[..., str], agent_id: UUID) -> None:
    token = issue()
    with inside(acme):
        actions.disable_user(acme, agent_id)
    assert why(acme, inside, token) is Dead.WITHDRAWN


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ("unknown", 404, "Copy the whole address"),
        ("foreign", 404, "not made for this organisation"),
        ("expired", 410, "expired"),
        ("used", 410, "used already"),
        ("replaced", 410, "A newer link"),
    ],
)
def test_one_page_says_what_to_do(
    app: Flask,
    client: PageClient,
    acme: Scope,
    inside: Inside,
    issue: Callable[..., str],
    wrong: str,
    status: int,
    says: str,
) -> None:
    token = issue(NEW_PASSWORD, timedelta(hours=2) if wrong == "expired" else timedelta(0))
    visitor = client_of(app, "globex") if wrong == "foreign" else client
    if wrong == "used":
        with inside(acme):
            actions.redeem_link(acme.tenant_id, token, now(), NEW_PASSWORD)
    if wrong == "replaced":
        issue()
    path = "/links/nonsense" if wrong == "unknown" else f"/links/{token}"
    for answer in (visitor.get(path), visitor.submit(path, {"password": "x", "again": "x"})):
        assert answer.status_code == status
        assert says in answer.text_of("main")
        asks = answer.soup.find("a", string=lambda text: text and "Ask for a new link" in text)
        assert bool(asks) is (status == 410)
        assert token not in answer.text


def test_the_page_tells_nobody_its_address(client: PageClient, issue: Callable[..., str]) -> None:
    answer = client.get(f"/links/{issue()}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    outside = [tag.get(name) for tag in answer.soup.find_all() for name in ("src", "href") if tag.get(name)]
    assert all(str(address).startswith(("/", "#")) for address in outside)


def test_the_token_is_not_logged(issue: Callable[..., str]) -> None:
    token = issue(INVITATION)
    for text in (f"/t/acme/links/{token}", f"GET /links/{token}?x=1 HTTP/1.1", f'"https://a.example/links/{token}"'):
        masked = logs.mask(text)
        assert token not in masked
        assert token[:32] not in masked
        assert token[33:60] not in masked
        assert "/links/[token]" in masked


def test_a_mail_scanner_that_opens_everything_does_nothing(
    client: PageClient, issue: Callable[..., str], acme: Scope, inside: Inside
) -> None:
    for purpose in PURPOSES:
        token = issue(purpose)
        for method in ("GET", "HEAD", "GET"):
            assert client.open(f"/links/{token}", method=method).status_code == 200
        assert why(acme, inside, token) is None
