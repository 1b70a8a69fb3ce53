"""Operators: added, set up by their link once, disabled, and never the last of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from tests.support import console
from tests.support.console import ConsoleClient, code, console_client
from tests.support.servers import with_settings

Done = Callable[[], list[tuple[str, str, str]]]
GOOD = "violet engine numbers 1843"


def link_in(page: Any) -> str:
    parts = urlsplit(page.text_of("code.secret"))
    return f"{parts.path}?{parts.query}"


def secret_in(page: Any) -> str:
    return str(page.text_of("code.secret")).replace(" ", "")


def set_up(client: ConsoleClient, link: str, **changes: str) -> Any:
    page = client.get(link)
    assert page.status_code == 200
    typed = {"password": GOOD, "again": GOOD, "code": code(secret_in(page))} | changes
    return client.submit("/operator/enrol", typed | {"token": link.partition("token=")[2]})


def test_added_set_up_and_in(opal: ConsoleClient, app: Flask, admin: Any, done: Done) -> None:
    page = opal.submit("/operator/operators", {"name": "Otto", "email": "otto@fairlead.example"})
    link, otto = link_in(page), console_client(app)
    secret = secret_in(otto.get(link))
    assert set_up(otto, link).status_code == 303
    assert otto.get(link).status_code == 404, "good once"
    console.forget_codes(admin)
    assert otto.enter(secret, email="OTTO@fairlead.example", password=GOOD).status_code == 303
    assert ("operator.added", "Opal", "Otto") in done()
    assert ("operator.joined", "Otto", "Otto") in done()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "other"}, "again"),
        ({"code": "000000"}, "code"),
    ],
)
def test_what_is_wrong_when_setting_up(opal: ConsoleClient, app: Flask, changes: dict[str, str], field: str) -> None:
    link = link_in(opal.submit("/operator/operators", {"name": "Otto", "email": "otto@fairlead.example"}))
    answer = set_up(console_client(app), link, **changes)
    assert answer.status_code == 422
    assert answer.soup.select_one(f".error-summary a[href='#{field}']")


def test_links_end(opal: ConsoleClient, app: Flask, admin: Any) -> None:
    link = link_in(opal.submit("/operator/operators", {"name": "Otto", "email": "otto@fairlead.example"}))
    admin.execute("update operators set enrol_until = now() where name = 'Otto'")
    assert console_client(app).get(link).status_code == 404
    for token in ("", "x" * 5000, "%00", "..%2f"):
        assert console_client(app).get(f"/operator/enrol?token={token}").status_code == 404


def test_no_one_twice(opal: ConsoleClient) -> None:
    answer = opal.submit("/operator/operators", {"name": "Opal", "email": "OPAL@fairlead.example"})
    assert answer.status_code == 422
    assert answer.problems == ["There is an operator with this address already."]


def test_the_last_one_stays(opal: ConsoleClient, app: Flask, admin: Any) -> None:
    (opal_id,) = admin.execute("select id from operators").fetchone()
    link_in(opal.submit("/operator/operators", {"name": "Invited", "email": "invited@fairlead.example"}))
    answer = opal.submit(f"/operator/operators/{opal_id}/disable")
    assert answer.status_code == 409
    assert "add another operator first" in answer.text
    console.add_operator(app, "otto@fairlead.example", "Otto")
    assert opal.submit(f"/operator/operators/{opal_id}/disable").status_code == 303
    assert opal.get("/operator/tenants").status_code == 303, "her own session ended"


def test_beginning_again_ends_everything(opal: ConsoleClient, app: Flask, admin: Any) -> None:
    console.add_operator(app, "otto@fairlead.example", "Otto")
    (otto_id,) = admin.execute("select id from operators where name = 'Otto'").fetchone()
    page = opal.submit(f"/operator/operators/{otto_id}/restart")
    assert re.search(r"/operator/enrol\?token=", page.text)
    row = admin.execute("select password_hash, joined_at, last_step from operators where name = 'Otto'").fetchone()
    assert row == (None, None, 0)


def test_disabled_and_enabled(opal: ConsoleClient, app: Flask, admin: Any, done: Done) -> None:
    secret = console.add_operator(app, "otto@fairlead.example", "Otto")
    otto = console_client(app)
    assert otto.enter(secret, email="otto@fairlead.example").status_code == 303
    (otto_id,) = admin.execute("select id from operators where name = 'Otto'").fetchone()
    assert opal.submit(f"/operator/operators/{otto_id}/disable").status_code == 303
    assert otto.get("/operator/tenants").status_code == 303
    console.forget_codes(admin)
    assert otto.enter(secret, email="otto@fairlead.example").status_code == 422
    assert opal.submit(f"/operator/operators/{otto_id}/enable").status_code == 303
    console.forget_codes(admin)
    assert otto.enter(secret, email="otto@fairlead.example").status_code == 303
    assert [kind for kind, *_ in done()].count("operator.disabled") == 1


def test_the_log_is_shown_and_append_only(opal: ConsoleClient, admin: Any) -> None:
    page = opal.get("/operator/events")
    assert "signed in" in page.text
    admin.execute(
        "insert into operator_events (id, at, type, operator_name, about_name, data) "
        "select gen_random_uuid(), now(), 'sign_in.started', 'Many', '', '{}' from generate_series(1, 120)"
    )
    first = opal.get("/operator/events")
    link = [one for one in first.soup.select("main a") if "Earlier" in one.get_text()]
    assert len(first.texts("tbody tr")) == 50
    assert len(opal.get(str(link[0]["href"])).texts("tbody tr")) == 50


def test_claim_34_their_keys_are_sealed_again_by_the_command(
    app: Flask, settings: Settings, secret: str, admin: Any, nobody: ConsoleClient
) -> None:
    first, second = settings.encryption_keys
    other_order = create_app(with_settings(settings, encryption_keys=(second, first)))
    before = admin.execute("select secret_sealed from operators").fetchone()
    done = other_order.test_cli_runner().invoke(args=["rotate-secrets"])
    assert done.exit_code == 0, done.output
    after = admin.execute("select secret_sealed from operators").fetchone()
    assert before[0].startswith(f"{first[0]}.")
    assert after[0].startswith(f"{second[0]}.")
    assert nobody.enter(secret).status_code == 303
