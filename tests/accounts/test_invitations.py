"""An invitation accepted: a name, a password, and in."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from tests.support import mailbox
from tests.support.clients import PageClient

NEW = "plover carnival 7 dusk anthem"
JOIN = {"name": "Ada Lovelace", "password": NEW}


@pytest.fixture
def path(owner: PageClient, sent_mails: Callable[[], list[EmailMessage]]) -> str:
    """Of the link in the mail of somebody invited as an agent."""
    owner.submit("/people", {"addresses": "ada@x.example", "role": "agent"})
    return "/t/acme/links/" + mailbox.links_in(sent_mails()[-1])[0].rpartition("/")[2]


def test_from_the_mail_to_the_first_page(client: PageClient, path: str, admin: Any) -> None:
    page = client.get(path)
    assert page.text_of("h1") == "Join Acme"
    assert "ada@x.example" in page.text_of("main")
    answer = client.submit(path, JOIN)
    assert answer.status_code == 303
    assert client.get("/leads/").status_code == 200
    assert client.get("/people").status_code == 403
    row = admin.execute(
        "select name, joined_at is not null, email_confirmed_at is not null from users where email = 'ada@x.example'"
    ).fetchone()
    assert row == ("Ada Lovelace", True, True)
    assert client.get(path).status_code == 410
    assert "user.joined" in {row[0] for row in admin.execute("select type from events").fetchall()}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "Enter a name"),
        ({"password": ""}, "Choose a password"),
        ({"password": "short"}, "at least 12"),
        ({"password": "ada lovelace 1815"}, "mostly your name"),
        ({"password": "acme acme acme"}, ""),
    ],
)
def test_what_is_wrong_is_said_and_the_link_stays_good(
    client: PageClient, path: str, change: dict[str, str], says: str
) -> None:
    answer = client.submit(path, JOIN | change)
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)
    assert answer.soup.select_one("#name").get("value", "") == (JOIN | change)["name"]
    assert client.submit(path, JOIN).status_code == 303


def test_who_has_not_joined_cannot_sign_in(client: PageClient, path: str) -> None:
    for password in ("", NEW, "None"):
        assert client.sign_in("ada@x.example", password).status_code == 422


def test_extra_fields_raise_nobody(client: PageClient, path: str, admin: Any, globex: Any) -> None:
    extra = {"role": "owner", "role_id": "x", "tenant_id": str(globex.tenant_id), "email": "boss@acme.example"}
    assert client.submit(path, JOIN | extra).status_code == 303
    row = admin.execute(
        "select role, role_id, tenant_id = %s, email from users where name = 'Ada Lovelace'", (globex.tenant_id,)
    )
    assert row.fetchall() == [("agent", None, False, "ada@x.example")]


def test_somebody_elses_session_does_not_linger(app: Flask, as_role: Callable[..., PageClient], path: str) -> None:
    browser = as_role("viewer")
    assert browser.submit(path, JOIN).status_code == 303
    assert "Ada Lovelace" in browser.get("/profile").text_of(".user-name")
