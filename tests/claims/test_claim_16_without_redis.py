"""Claim 16: with Redis away, sign-in, pages and writes work, limits hold, and nothing that was accepted is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask

from app import create_app
from app.accounts import totp
from app.accounts.models import TotpSecret
from app.config import Settings
from app.core import secrets
from app.core.clock import new_id, now
from app.core.scope import Scope
from app.extensions import db, limiter
from tests.conftest import client_of
from tests.support import console
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


@pytest.fixture
def bare(away: PageClient) -> console.ConsoleClient:
    """The operators' console of the same application."""
    return console.console_client(away.application)


def test_claim_16_the_console_works_and_counts_tries(
    away: PageClient, bare: console.ConsoleClient, admin: Any, acme: Scope, app: Flask
) -> None:
    secret = console.add_operator(app)
    for _ in range(5):
        assert bare.enter(secret, password="wrong").status_code == 422
    assert bare.enter(secret).status_code == 422, "five wrong tries lock, though nothing counts in Redis"
    admin.execute("update operator_guards set locked_until = now() - interval '1 second'")
    assert bare.enter(secret).status_code == 303
    for path in ("/operator/tenants", "/operator/operators", "/operator/events"):
        assert bare.get(path).status_code == 200, path
    place = f"/operator/tenants/{acme.tenant_id}"
    assert away.get("/leads/").status_code == 200
    assert bare.submit(f"{place}/suspend", {"reason": "Asked for it."}).status_code == 303
    assert away.get("/leads/").status_code == 403, "at once, though no cache can be turned over"
    assert bare.submit(f"{place}/resume").status_code == 303
    assert away.get("/leads/").status_code == 200


def test_claim_16_settings_are_seen_at_once(away: PageClient, app: Flask) -> None:
    page = away.get("/settings/organisation")
    form = {str(one["name"]): str(one.get("value", "")) for one in page.soup.select("#organisation_form input[name]")}
    chosen = {str(one["name"]): str(one.select_one("[selected]")["value"]) for one in page.soup.select("main select")}
    typed = {name: text for name, text in (form | chosen).items() if name not in {"csrf_token", "second_factor_for"}}
    assert away.submit("/settings/organisation", typed | {"name": "Renamed"}).status_code == 303
    assert away.get("/leads/").text_of(".sidebar-foot") == "Renamed"


def test_claim_16_a_second_factor_is_asked_for_and_counted(
    away: PageClient, admin: Any, inside: Any, acme: Scope
) -> None:
    secret = _with_app(inside, acme)
    client = client_of(away.application, "acme")
    assert client.sign_in("owner@acme.example", PASSWORD).location.endswith("/sign-in/second-factor")
    assert client.get("/leads/").status_code == 303, "the password alone opens nothing"
    client.get("/sign-in/second-factor")
    assert client.submit("/sign-in/second-factor", {"code": "000000"}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"code": console.code(secret)}).status_code == 303
    assert client.get("/leads/").status_code == 200


def _with_app(inside: Any, acme: Scope) -> str:
    """acme's owner has an authenticator app from now on; returns its secret."""
    secret = totp.new_secret()
    with inside(acme):
        row_id = new_id()
        sealed = secrets.seal(
            secret, tenant_id=acme.tenant_id, table="totp_secrets", row_id=row_id, column="secret_sealed"
        )
        row = TotpSecret(
            tenant_id=acme.tenant_id,
            id=row_id,
            user_id=acme.user_id,
            secret_sealed=sealed,
            last_step=0,
            created_at=now(),
            confirmed_at=now(),
        )
        db.session.add(row)
    return secret


def test_claim_16_programs_work(away: PageClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = away.post("/api/auth/login", json={"email": "agent@acme.example", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 200, answer.text
    token = answer.json["access_token"]
    me = away.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200
    leads = away.get("/api/leads", headers={"Authorization": f"Bearer {token}"})
    assert leads.status_code == 200
    assert away.get("/api/leads").status_code == 401
