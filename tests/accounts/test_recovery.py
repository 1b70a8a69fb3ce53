"""Forgotten passwords: a link by mail, a new password, and everybody out."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from app.accounts import actions
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support import mailbox
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.servers import PASSWORD

NEW = "plover carnival 7 dusk anthem"
Mails = Callable[[], list[EmailMessage]]


def asked(client: PageClient, mails: Mails, email: str = "agent@acme.example") -> str:
    """Asks for a link; returns its path."""
    assert client.submit("/forgot-password", {"email": email}).status_code == 303
    sent = [mail for mail in mails() if "Choose a new password" in mail["Subject"]]
    return "/t/acme/links/" + mailbox.links_in(sent[-1])[0].rpartition("/")[2]


def test_the_page_asks_for_the_address(client: PageClient) -> None:
    page = client.get("/sign-in")
    assert page.soup.find("a", href="/t/acme/forgot-password")
    assert client.get("/forgot-password").text_of("h1") == "Forgotten password"
    assert client.submit("/forgot-password", {"email": ""}).problems == ["Enter your e-mail address."]


def test_by_mail_to_a_new_password(client: PageClient, as_role: Callable[..., PageClient], sent_mails: Mails) -> None:
    elsewhere = as_role("agent")
    path = asked(client, sent_mails)
    page = client.get(path)
    assert page.text_of("h1") == "Choose a new password"
    answer = client.submit(path, {"password": NEW, "again": NEW})
    assert answer.status_code == 303
    assert answer.location == "/t/acme/sign-in", "the new password is asked for, and a second factor with it"
    assert elsewhere.get("/leads/").status_code == 303, "every session ended"
    assert client.sign_in("agent@acme.example", PASSWORD).status_code == 422
    assert client.sign_in("agent@acme.example", NEW).status_code == 303
    assert any("was changed" in mail["Subject"] for mail in sent_mails())
    again = client.submit(path, {"password": NEW, "again": NEW})
    assert again.status_code == 410


@pytest.mark.parametrize(
    "email", ["nobody@acme.example", "viewer@acme.example", "not an address", "a\x00b@acme.example"]
)
def test_who_may_not_come_in_gets_no_mail_and_the_same_answer(
    client: PageClient, sent_mails: Mails, crowd: Crowd, inside: Any, acme: Scope, email: str
) -> None:
    with inside(acme):
        actions.disable_user(acme, crowd.id_of("viewer"))
    known = client.submit("/forgot-password", {"email": "agent@acme.example"})
    shown = client.get("/sign-in").toasts
    other = client.submit("/forgot-password", {"email": email})
    assert (known.status_code, known.location) == (other.status_code, other.location)
    assert client.get("/sign-in").toasts == shown
    assert [mail["To"] for mail in sent_mails()] == ["Amal Acme <agent@acme.example>"]


def test_of_another_organisation_no_mail(app: Flask, sent_mails: Mails) -> None:
    stranger = client_of(app, "globex")
    stranger.submit("/forgot-password", {"email": "agent@acme.example"})
    assert sent_mails() == []


def test_somebody_invited_gets_the_invitation_again(
    client: PageClient, sent_mails: Mails, acme: Scope, inside: Any
) -> None:
    with inside(acme):
        actions.invite_user(acme, email="new@acme.example", name="", role="viewer")
    client.submit("/forgot-password", {"email": "NEW@acme.example"})
    assert [mail["Subject"] for mail in sent_mails()] == ["Your invitation to Acme"] * 2


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("short", "short", "at least 12 characters"),
        ("passwordpassword", "passwordpassword", "Repeats"),
        ("amal-acme-2026", "amal-acme-2026", "your name"),
        ("qwertyuiop123456", "qwertyuiop123456", "commonly used"),
        (NEW, NEW + "x", "not the same"),
        ("", "", "Choose a password"),
        ("x" * 500, "x" * 500, "200 characters"),
    ],
)
def test_a_poor_one_is_refused_in_words_and_the_link_stays_good(
    client: PageClient, sent_mails: Mails, password: str, again: str, says: str
) -> None:
    path = asked(client, sent_mails)
    answer = client.submit(path, {"password": password, "again": again})
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)
    assert not password or password not in answer.text.replace("your name", "")
    assert client.submit(path, {"password": NEW, "again": NEW}).status_code == 303


def test_the_host_header_does_not_reach_the_mail(client: PageClient, sent_mails: Mails, settings: Any) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    client.submit("/forgot-password", {"email": "agent@acme.example"}, headers=headers)
    (mail,) = sent_mails()
    assert all(link.startswith(f"{settings.public_url}/t/acme/") for link in mailbox.links_in(mail))
    assert "evil" not in mail.as_string()


def test_the_meter_says_why_and_keeps_nothing(client: PageClient, caplog: pytest.LogCaptureFixture) -> None:
    weak = client.fragment("/passwords/strength", target="password_strength", method="POST", data={"password": "acme"})
    assert weak.status_code == 200
    assert weak.soup.find("html") is None
    assert "at least 12 characters: 8" in weak.text_of("#password_strength")
    good = client.fragment("/passwords/strength", target="password_strength", method="POST", data={"password": NEW})
    assert "Strong" in good.text_of("#password_strength") or "strong" in good.text_of("#password_strength")
    own = {"password": "Ada Lovelace 1815", "name": "Ada Lovelace"}
    answer = client.fragment("/passwords/strength", target="password_strength", method="POST", data=own)
    assert "mostly your name" in answer.text_of("#password_strength")
    assert NEW not in caplog.text
