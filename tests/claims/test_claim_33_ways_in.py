"""Claim 33 for what opens an account: links, codes, tokens, passwords and what a provider sends back are not found in
logs, in Redis or on error pages, whether they are good, wrong, or an exception comes in between.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pyotp
import pytest
import redis

from app.accounts import actions
from app.core.clock import now
from app.core.logs import mask
from app.core.scope import Scope
from tests.claims.test_claim_33_secrets import absent, everything_in, written  # noqa: F401 - a fixture
from tests.support import mailbox
from tests.support.clients import PageClient
from tests.support.servers import PASSWORD

NEW = "plover carnival 7 dusk anthem"
CALLBACK = "/sign-in/sso/01900000-0000-7000-8000-000000000000/callback"
CODE, STATE = "SplxlOBeZQQYbYS6WxSb", "af0ifjsldkjQ81"


def nowhere(log: str, bell: redis.Redis, *traces: str) -> None:
    """Not in the log and not in Redis; a short number only as a word of its own."""
    assert log.count('"event": "request"') > 1, "the test would prove nothing without lines"
    for trace in traces:
        if len(trace) < 8:
            assert not re.search(rf"(?<![\w.:-]){trace}(?![\w-])", log), trace
        else:
            absent(log, (trace,), "log")
            for key, content, _ in everything_in(bell):
                absent(key + content, (trace,), f"Redis {key}")


def test_claim_33_links(
    client: PageClient,
    sent_mails: Callable[[], list[EmailMessage]],
    bell: redis.Redis,
    written: Callable[[], str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert client.submit("/forgot-password", {"email": "agent@acme.example"}).status_code == 303
    token = mailbox.links_in(sent_mails()[-1])[0].rpartition("/")[2]
    path = f"/t/acme/links/{token}"
    assert client.get(path).status_code == 200
    assert client.submit(path, {"password": NEW, "again": "another"}).status_code == 422
    client.application.config["RAISE_UNEXPECTED"] = False
    with monkeypatch.context() as broken:
        broken.setattr(actions, "set_password_by_link", _fails)
        answer = client.submit(path, {"password": NEW, "again": NEW})
    assert answer.status_code == 500
    absent(answer.text, (NEW, token), "error page")
    assert client.submit(path, {"password": NEW, "again": NEW}).status_code == 303
    sent_mails()
    log = written()
    assert "unexpected_error" in log
    nowhere(log, bell, token, token[40:70], NEW)


def _fails(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(f"token {args[1]} password={args[2]!r} at /t/acme/links/{args[1]}")


def test_claim_33_codes(
    client: PageClient,
    inside: Any,
    acme: Scope,
    bell: redis.Redis,
    written: Callable[[], str],  # noqa: F811
    run_jobs: Callable[[], int],
) -> None:
    early = now() - timedelta(minutes=5)
    with inside(acme):
        token = actions.begin_authenticator(acme)
        secret = actions.find_new_secret(acme, token)
        assert secret is not None
        recovery = actions.add_authenticator(acme, token, pyotp.TOTP(secret).at(now() - timedelta(seconds=30)))
    assert client.sign_in("owner@acme.example", PASSWORD).status_code == 303
    wrong, right = pyotp.TOTP(secret).at(early), pyotp.TOTP(secret).at(now())
    assert client.submit("/sign-in/second-factor", {"code": wrong}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"recovery_code": f"{recovery[1]}x"}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"code": right}).status_code == 303
    run_jobs()
    nowhere(written(), bell, wrong, right, secret, recovery[1], PASSWORD)


def test_claim_33_tokens_of_programs(
    client: PageClient,
    owner: PageClient,
    bell: redis.Redis,
    written: Callable[[], str],  # noqa: F811
    run_jobs: Callable[[], int],
) -> None:
    asked = {"email": "agent@acme.example", "password": PASSWORD}
    made = client.post("/api/auth/login", json=asked).get_json()
    again = client.post("/api/auth/refresh", json={"refresh_token": made["refresh_token"]}).get_json()
    assert owner.program
    personal = owner.program()
    for token in (made["access_token"], again["access_token"], personal, personal[:-1] + "x"):
        client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
        # Never read from there, and sent there all the same.
        client.get(f"/api/auth/me?access_token={token}")
        client.get(f"/api/{token}")
    client.post("/api/auth/refresh", json={"refresh_token": again["refresh_token"] + "x"})
    run_jobs()
    told = (made["access_token"], made["refresh_token"], again["access_token"], again["refresh_token"], personal)
    nowhere(written(), bell, *told, *(token[-20:] for token in told), PASSWORD)


def test_claim_33_the_way_back_from_a_provider(
    client: PageClient,
    bell: redis.Redis,
    written: Callable[[], str],  # noqa: F811
) -> None:
    for query in (f"code={CODE}&state={STATE}", f"state={STATE}&code={CODE}", f"error=x&state={STATE}"):
        assert client.get(f"{CALLBACK}?{query}").status_code == 404
        # What gunicorn writes when an answer breaks off.
        logging.getLogger("gunicorn.error").error("Error handling request /t/acme%s?%s", CALLBACK, query)
    assert "Error handling request" in written()
    nowhere(written(), bell, CODE, STATE)
    assert mask("status_code=200, code=7") == "status_code=200, code=7"
