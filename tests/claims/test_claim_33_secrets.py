"""Claim 33: secrets and personal data, planted wherever something can be sent, are not found where they may not be.

Looked through: every log line of the application, everything in Redis, every error page. What Redis may hold is
what it is for: cached pages of a tenant, which end by themselves within minutes, and never a secret.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask

from app.config import Settings
from app.core import logs
from app.core.records import actions
from tests.support.clients import PageClient
from tests.support.routes import ask, methods_of, rules_of, subject
from tests.support.servers import with_settings
from tests.support.world import World
from tests.transfer.importing import imported, rows, send

SECRETS = {
    "password": "hunter2Hunter2hunter2",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
    "api_key": "sk-live-4eC39HqLyjWDarjtT1zdp7dc",
}
PERSON = {"email": "jane.planted@example.com", "phone": "+1 415 555 2671"}
PERSON_TRACES = ("jane.planted", "555 2671", "4155552671")
SECRET_TRACES = (*SECRETS.values(), SECRETS["token"].partition(".")[2])
FORGED = "x\n2026-01-01T00:00:00Z [info] forged line\r\n[error] forged"


@pytest.fixture
def written(app: Flask, settings: Settings) -> Iterator[Callable[[], str]]:
    """What the application has logged so far, at the most talkative level it is run with."""
    logs.configure(with_settings(settings, log_format="json", log_level="INFO"))
    (ours,) = [handler for handler in logging.getLogger().handlers if handler.get_name() == "fairlead"]
    stream = io.StringIO()
    ours.setStream(stream)  # type: ignore[attr-defined]
    yield stream.getvalue
    logs.configure(settings)


def everything_in(bell: redis.Redis) -> list[tuple[str, str, int]]:
    """Key, content and time to live of all there is."""
    found = []
    for key in bell.keys("*"):
        kind = bell.type(key)
        read: dict[bytes, Callable[[Any], Any]] = {
            b"string": bell.get,
            b"hash": bell.hgetall,
            b"list": lambda key: bell.lrange(key, 0, -1),
            b"set": bell.smembers,
            b"zset": lambda key: bell.zrange(key, 0, -1),
            b"stream": bell.xrange,
        }
        found.append((repr(key), repr(read[kind](key)), bell.ttl(key)))
    return found


def absent(text: str, traces: tuple[str, ...], where: str) -> None:
    for trace in traces:
        assert trace not in text, f"{where}: {trace} stands in …{text[max(0, text.find(trace) - 200) :][:300]}…"


def planted() -> dict[str, str]:
    return {
        **SECRETS,
        **PERSON,
        "last_name": "Planted",
        "body": " ".join(SECRETS.values()),
        "next": FORGED,
        "q": FORGED,
    }


HEADERS = {
    "Authorization": f"Bearer {SECRETS['token']}",
    "X-API-Key": SECRETS["api_key"],
    "X-Request-ID": "4155552671",
    "HX-Request": "true",
    "HX-Target": f"div#{PERSON['email']}",
    "HX-Current-URL": f"http://localhost/?token={SECRETS['token']}&email={PERSON['email']}",
    "Referer": f"http://localhost/?password={SECRETS['password']}",
    "User-Agent": f"{PERSON['email']} {SECRETS['api_key']}",
}


def test_claim_33_through_every_route(
    app: Flask, owner: PageClient, client: PageClient, world: World, bell: redis.Redis, written: Callable[[], str],
    run_jobs: Any,
) -> None:  # fmt: skip
    for rule in rules_of(app):
        if rule.endpoint == "accounts.sign_out":
            continue
        for method in methods_of(rule):
            for who in (owner, client):
                values = subject(rule, world)
                form = planted()
                more: dict[str, Any] = {"query_string": {**form, "columns": PERSON["email"]}}
                if method == "POST":
                    more["data"] = form
                answer = ask(who, rule, method, values, headers=HEADERS, check=False, **more)
                assert answer.status_code < 500, f"{method} {rule.rule}"
    client.get(f"/leads/{PERSON['email']}/{SECRETS['api_key']}?token={SECRETS['token']}", check=False)
    run_jobs()
    log = written()
    assert log.count('"event": "request"') > 50, "the test would prove nothing without lines"
    absent(log, SECRET_TRACES + PERSON_TRACES, "log")
    assert all(line.startswith("{") for line in log.splitlines()), "a forged line"
    for key, content, ttl in everything_in(bell):
        absent(key, SECRET_TRACES + PERSON_TRACES, "Redis key")
        absent(content, SECRET_TRACES[:1] + SECRET_TRACES[1:2], f"Redis {key}")
        if "fl:" not in key:
            absent(content, PERSON_TRACES, f"Redis {key}")
        elif any(trace in content for trace in PERSON_TRACES):
            assert 0 < ttl <= 300, f"{key} is kept for {ttl} s"


def test_claim_33_through_sign_in(client: PageClient, bell: redis.Redis, written: Callable[[], str]) -> None:
    for email in (PERSON["email"], "owner@acme.example"):
        answer = client.submit("/sign-in", {"email": email, "password": SECRETS["password"]}, headers=HEADERS)
        assert answer.status_code == 422
        absent(answer.text, SECRET_TRACES, "the page of a refusal")
    absent(written(), SECRET_TRACES + PERSON_TRACES, "log")
    for key, content, _ in everything_in(bell):
        absent(key + content, SECRET_TRACES + PERSON_TRACES, "Redis")


def test_claim_33_through_exceptions(
    owner: PageClient, monkeypatch: Any, bell: redis.Redis, written: Callable[[], str]
) -> None:
    """An exception that carries everything, as PostgreSQL's do, in the middle of a request."""
    owner.application.config["RAISE_UNEXPECTED"] = False

    def fails(*args: Any, **kwargs: Any) -> Any:
        text = f"DETAIL: Failing row contains (Jane, {PERSON['email']}, {PERSON['phone']})"
        raise RuntimeError(f"password={SECRETS['password']} api_key: {SECRETS['api_key']} {SECRETS['token']}\n{text}")

    monkeypatch.setattr(actions, "make_record", fails)
    for fragment in (False, True):
        form = {"last_name": "Doe", **PERSON}
        how = owner.fragment if fragment else owner.submit
        more = {"target": "dialog", "method": "POST"} if fragment else {}
        answer = how("/leads/", data=form, **more)
        assert answer.status_code == 500
        absent(answer.text, SECRET_TRACES + PERSON_TRACES, "error page")
    log = written()
    assert "unexpected_error" in log
    assert "RuntimeError" in log
    absent(log, SECRET_TRACES + PERSON_TRACES, "log")


def test_claim_33_through_files(
    owner: PageClient, run_jobs: Any, bell: redis.Redis, written: Callable[[], str]
) -> None:
    imported(owner, run_jobs, rows(f"Jane,Planted,{PERSON['email']},{PERSON['phone']},,,{SECRETS['api_key']}"))
    bad = rows(f"Jane,Planted,{PERSON['email']} {PERSON['phone']},{SECRETS['password']},,,")
    send(owner, bad.encode(), f"{PERSON['email']}\n{SECRETS['api_key']}.csv")
    send(owner, b"\x00\x01" + SECRETS["password"].encode(), "x.xlsx")
    run_jobs()
    absent(written(), SECRET_TRACES + PERSON_TRACES, "log")
    for key, content, _ in everything_in(bell):
        absent(key, SECRET_TRACES + PERSON_TRACES, "Redis key")
        assert "fl:" in key or not any(trace in content for trace in PERSON_TRACES), f"{key}: {content[:300]}"


def test_claim_33_the_web_servers_own_lines_are_masked_too(written: Callable[[], str]) -> None:
    """gunicorn logs the whole address of a request whose answer breaks off."""
    error = logging.getLogger("gunicorn.error")
    assert error.handlers == []
    error.error("Error handling request /leads/export.csv?q=%s&token=%s", PERSON["email"], SECRETS["token"])
    assert "Error handling request" in written()
    absent(written(), SECRET_TRACES + PERSON_TRACES, "log")
