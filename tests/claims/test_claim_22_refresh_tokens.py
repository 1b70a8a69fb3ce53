"""Claim 22: reuse of a refresh token ends the family; grace only for the immediate predecessor; an absolute end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.accounts import actions, queries
from app.accounts.actions import Origin, Tokens
from app.accounts.rules import FAMILY_LIFETIME, REFRESH, REFRESH_GRACE, REFRESH_LIFETIME, new_token
from app.core.clock import now
from app.core.errors import Unauthenticated
from app.core.scope import Scope
from tests.support.clients import PageResponse
from tests.support.programs import program_of, signed_in_program

REFRESH_PATH, ME = "/api/auth/refresh", "/api/auth/me"
AFTER_GRACE = REFRESH_GRACE + timedelta(seconds=1)


@pytest.fixture
def begun(inside: Callable[..., Any], acme: Scope) -> Tokens:
    return signed_in_program(inside, acme)


@pytest.fixture
def later(inside: Callable[..., Any], acme: Scope) -> Callable[..., Tokens]:
    """`later(token, after=timedelta(days=8))`: the token is used when so much time has passed."""

    def use(token: str, after: timedelta = timedelta()) -> Tokens:
        with inside(acme):
            tenant = queries.get_tenant(acme.tenant_id)
            return actions.refresh_family(tenant, token, Origin("192.0.2.9", "a thief/2"), at=now() + after)

    return use


def refresh(app: Flask, token: str, tenant: str = "acme") -> PageResponse:
    return program_of(app, tenant).post(REFRESH_PATH, json={"refresh_token": token})


def living(admin: Any) -> int:
    """Tokens that could still be used."""
    found = admin.execute(
        "select count(*) from refresh_tokens t join token_families f on f.id = t.family_id "
        "where t.used_at is null and f.revoked_at is null"
    )
    return int(found.fetchone()[0])


def test_claim_22_each_is_good_once_and_names_the_next(app: Flask, begun: Tokens, admin: Any) -> None:
    seen, token = {begun.refresh}, begun.refresh
    for _ in range(5):
        answer = refresh(app, token)
        assert answer.status_code == 200
        token = answer.json["refresh_token"]
        assert token not in seen
        seen.add(token)
        assert program_of(app, bearer=answer.json["access_token"]).get(ME).status_code == 200
        assert living(admin) == 1
    assert "Set-Cookie" not in answer.headers


def test_claim_22_reuse_ends_the_family_tells_the_owner_and_leaves_an_event(
    app: Flask, begun: Tokens, later: Callable[..., Tokens], admin: Any, sent_mails: Callable[[], list[Any]]
) -> None:
    following = later(begun.refresh, -AFTER_GRACE)
    assert program_of(app, bearer=following.access).get(ME).status_code == 200
    for token in (begun.refresh, following.refresh):
        assert refresh(app, token).status_code == 401
    for access in (begun.access, following.access):
        assert program_of(app, bearer=access).get(ME).status_code == 401, "its access tokens die at the next request"
    assert living(admin) == 0
    events = admin.execute("select type, data->>'ip' from events where subject_kind = 'token_family'").fetchall()
    assert events == [("token_family.reused", "127.0.0.1")]
    (mail,) = [mail for mail in sent_mails() if "signed out" in mail["Subject"]]
    assert "owner@acme.example" in mail["To"]
    assert "127.0.0.1" in mail.get_body(("plain",)).get_content()


def test_claim_22_an_answer_that_was_lost_is_told_again(
    app: Flask, begun: Tokens, later: Callable[..., Tokens], admin: Any
) -> None:
    first = later(begun.refresh)
    again = later(begun.refresh, REFRESH_GRACE - timedelta(seconds=1))
    assert again.refresh == first.refresh
    assert living(admin) == 1
    assert refresh(app, first.refresh).status_code == 200


def test_claim_22_no_grace_for_an_earlier_one(begun: Tokens, later: Callable[..., Tokens], admin: Any) -> None:
    second = later(begun.refresh)
    later(second.refresh)
    with pytest.raises(Unauthenticated):
        later(begun.refresh)
    assert living(admin) == 0


def test_claim_22_the_grace_has_an_end(begun: Tokens, later: Callable[..., Tokens], admin: Any) -> None:
    later(begun.refresh)
    with pytest.raises(Unauthenticated):
        later(begun.refresh, AFTER_GRACE)
    assert living(admin) == 0


def test_claim_22_twenty_at_once_make_one_line(app: Flask, begun: Tokens, admin: Any) -> None:
    token = begun.refresh
    for _ in range(3):
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(refresh, [app] * 20, [token] * 20))
        assert {answer.status_code for answer in answers} == {200}
        told = {answer.json["refresh_token"] for answer in answers}
        assert len(told) == 1, "all are told the same successor"
        assert living(admin) == 1
        token = told.pop()
    (rows,) = admin.execute("select count(*) from refresh_tokens").fetchone()
    assert rows == 4


def test_claim_22_an_unused_token_ends_after_seven_days(begun: Tokens, later: Callable[..., Tokens]) -> None:
    with pytest.raises(Unauthenticated):
        later(begun.refresh, REFRESH_LIFETIME + timedelta(seconds=1))


def test_claim_22_the_family_ends_however_often_it_is_renewed(begun: Tokens, later: Callable[..., Tokens]) -> None:
    token, passed = begun.refresh, timedelta()
    while passed + timedelta(days=6) < FAMILY_LIFETIME:
        passed += timedelta(days=6)
        made = later(token, passed)
        token = made.refresh
        assert made.refresh_expires_at <= now() + FAMILY_LIFETIME
    with pytest.raises(Unauthenticated):
        later(token, FAMILY_LIFETIME + timedelta(seconds=1))


def test_claim_22_nothing_else_refreshes(app: Flask, begun: Tokens, acme: Scope) -> None:
    assert refresh(app, begun.refresh, "globex").status_code == 401
    assert refresh(app, begun.access).status_code == 401
    assert refresh(app, new_token(REFRESH, acme.tenant_id)).status_code == 401
    assert refresh(app, begun.refresh.replace("flr_", "flp_")).status_code == 401
    assert program_of(app, bearer=begun.refresh).get(ME).status_code == 401, "a refresh token opens nothing itself"
    assert refresh(app, begun.refresh).status_code == 200


def test_claim_22_sign_out_ends_it(app: Flask, begun: Tokens) -> None:
    program = program_of(app, bearer=begun.access)
    assert program.post("/api/auth/logout").status_code == 204
    assert program.get(ME).status_code == 401
    assert refresh(app, begun.refresh).status_code == 401


def test_claim_22_only_a_hash_is_kept(begun: Tokens, admin: Any) -> None:
    rows = admin.execute("select row_to_json(t)::text from refresh_tokens t").fetchall()
    assert rows
    assert all(begun.refresh[-30:] not in row for (row,) in rows)


def test_claim_22_a_successor_is_told_again_after_the_keys_turned(
    app: Flask, begun: Tokens, later: Callable[..., Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.servers import with_settings

    first = later(begun.refresh)
    before = app.extensions["fairlead.settings"]
    fresh = ("t3", b"only for tests, a newer key than")
    turned = with_settings(before, encryption_keys=(fresh, *before.encryption_keys))
    monkeypatch.setitem(app.extensions, "fairlead.settings", turned)
    assert later(begun.refresh).refresh == first.refresh


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("text/plain", b"{}", 415),
        ("application/json", b"{}", 422),
        ("application/json", b'{"refresh_token": 5}', 422),
        ("application/json", b'{"refresh_token": "x", "tenant_id": "y"}', 422),
        ("application/json", b'{"refresh_token": "\\u0000"}', 401),
    ],
)
def test_bad_bodies_are_said(app: Flask, content_type: str, body: bytes, status: int) -> None:
    assert program_of(app).post(REFRESH_PATH, data=body, content_type=content_type).status_code == status
