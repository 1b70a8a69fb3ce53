"""Claims 19 to 21 and 24 at the console: everything at once, counted first, each code once, ended at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from tests.support import console
from tests.support.console import EMAIL, PASSWORD, ConsoleClient, code, console_client
from tests.support.servers import with_settings

Done = Callable[[], list[tuple[str, str, str]]]


def test_in_and_out(nobody: ConsoleClient, secret: str, done: Done) -> None:
    assert nobody.get("/operator/").location == "/operator/sign-in?next=/operator/"
    answer = nobody.enter(secret)
    assert (answer.status_code, answer.location) == (303, "/operator/tenants")
    assert nobody.get("/operator/tenants").status_code == 200
    assert nobody.get("/operator/sign-in").location == "/operator/tenants"
    assert nobody.submit("/operator/sign-out").status_code == 303
    assert nobody.get("/operator/tenants").status_code == 303
    assert [kind for kind, *_ in done()][-2:] == ["sign_in.started", "sign_in.ended"]


def test_the_cookie_is_the_consoles_own(app: Flask, settings: Settings, secret: str) -> None:
    client = console_client(create_app(with_settings(settings, secure_cookies=True)))
    answer = client.get("/operator/sign-in", base_url="https://localhost/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("fairlead_operator=")
    for word in ("Path=/operator;", "Secure;", "HttpOnly;", "SameSite=Strict"):
        assert word in cookie + ";", word


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"code": "000000"},
        {"code": "abc"},
        {"email": "nobody@fairlead.example"},
        {"email": "owner@acme.example", "password": "correct horse battery"},
    ],
)
def test_what_is_wrong_is_not_told(nobody: ConsoleClient, secret: str, wrong: dict[str, str], done: Done) -> None:
    answer = nobody.enter(secret, **wrong)
    assert answer.status_code == 422
    assert answer.problems == [
        "These do not fit together, or there were too many tries. Wait a few minutes and try again."
    ]
    assert nobody.get("/operator/tenants").status_code == 303
    assert done()[-1][0] == "sign_in.refused"


@pytest.mark.parametrize("missing", ["email", "password", "code"])
def test_all_three_are_needed(nobody: ConsoleClient, secret: str, missing: str) -> None:
    answer = nobody.enter(secret, **{missing: ""})
    assert answer.status_code == 422
    assert len(answer.problems) == 1


def test_a_code_counts_once(nobody: ConsoleClient, secret: str, app: Flask) -> None:
    first = code(secret)
    assert nobody.enter(secret, code=first).status_code == 303
    again = console_client(app)
    assert again.enter(secret, code=first).status_code == 422
    assert again.enter(secret, code=code(secret, steps=-1)).status_code == 422
    assert again.enter(secret, code=code(secret, steps=1)).status_code == 303


def test_two_at_once_with_one_code(app: Flask, secret: str) -> None:
    clients = [console_client(app) for _ in range(2)]
    for client in clients:
        client.get("/operator/sign-in")
    typed = {"email": EMAIL, "password": PASSWORD, "code": code(secret)}
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda one=client: answers.append(one.submit("/operator/sign-in", typed).status_code))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422]


def test_five_wrong_tries_lock_the_place_and_each_lock_lasts_longer(
    nobody: ConsoleClient, secret: str, admin: Any, done: Done
) -> None:
    for _ in range(5):
        assert nobody.enter(secret, password="wrong").status_code == 422
    assert nobody.enter(secret).status_code == 422, "the right one is refused while it is locked"
    assert done()[-1][0] == "sign_in.locked"
    rounds, seconds = admin.execute(
        "select rounds, extract(epoch from locked_until - last_failed_at) from operator_guards where source <> '*'"
    ).fetchone()
    assert rounds == 1
    assert 0 < seconds <= 60
    admin.execute("update operator_guards set locked_until = now() - interval '1 second'")
    for _ in range(5):
        nobody.enter(secret, password="wrong")
    (seconds,) = admin.execute(
        "select extract(epoch from locked_until - last_failed_at) from operator_guards where source <> '*'"
    ).fetchone()
    assert 60 < seconds <= 120
    admin.execute("update operator_guards set locked_until = now() - interval '1 second'")
    assert nobody.enter(secret).status_code == 303
    assert admin.execute("select count(*) from operator_guards").fetchone() == (0,)


def test_twenty_parallel_tries_do_not_pass_the_limit(app: Flask, secret: str, admin: Any, done: Done) -> None:
    clients = [console_client(app) for _ in range(8)]
    for client in clients:
        client.get("/operator/sign-in")
    wrong = {"email": EMAIL, "password": "wrong", "code": "000000"}

    def guess(client: ConsoleClient) -> None:
        # The console has two connections: on a slow machine somebody may be asked to come again.
        while client.submit("/operator/sign-in", wrong).status_code == 503:
            pass

    threads = [threading.Thread(target=guess, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [kind for kind, *_ in done()]
    assert kinds.count("sign_in.refused") == 5
    assert kinds.count("sign_in.locked") == 3


def test_the_log_names_no_address_that_is_nobodys(nobody: ConsoleClient, secret: str, done: Done) -> None:
    nobody.enter(secret, email="somebody.private@elsewhere.example")
    assert done()[-1][1] == "s***@elsewhere.example"


@pytest.mark.parametrize("change", ["last_seen_at = now() - interval '31 minutes'", "expires_at = now()"])
def test_sessions_end(opal: ConsoleClient, admin: Any, change: str) -> None:
    admin.execute(f"update operator_sessions set {change}")
    assert opal.get("/operator/tenants").status_code == 303


def test_a_session_lasts_eight_hours_at_most(opal: ConsoleClient, admin: Any) -> None:
    (hours,) = admin.execute(
        "select extract(epoch from expires_at - created_at) / 3600 from operator_sessions"
    ).fetchone()
    assert hours == 8


def test_a_disabled_operator_is_out_at_once(opal: ConsoleClient, admin: Any) -> None:
    admin.execute("update operators set disabled_at = now()")
    assert opal.get("/operator/tenants").status_code == 303


def test_signing_in_changes_the_session(opal: ConsoleClient, secret: str, admin: Any) -> None:
    before = opal.get_cookie("fairlead_operator", path="/operator")
    console.forget_codes(admin)
    opal.submit("/operator/sign-out")
    assert opal.enter(secret).status_code == 303
    after = opal.get_cookie("fairlead_operator", path="/operator")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    opal.set_cookie("fairlead_operator", before.value, path="/operator")
    assert opal.get("/operator/tenants").status_code == 303
