"""Claim 26 at the links in mail: neither `next` nor a host header leads anybody, or a link, away from us."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from tests.claims.test_claim_26_redirects import EVIL, stays
from tests.conftest import client_of
from tests.support import mailbox
from tests.support.clients import PageClient

Mails = Callable[[], list[EmailMessage]]
NEW = "plover carnival 7 dusk anthem"


@pytest.mark.parametrize("url", EVIL)
def test_claim_26_joining_leads_nowhere_else(app: Flask, owner: PageClient, sent_mails: Mails, url: str) -> None:
    owner.submit("/people", {"addresses": "ada@x.example", "role": "agent"})
    path = "/t/acme/links/" + mailbox.links_in(sent_mails()[-1])[0].rpartition("/")[2]
    visitor = client_of(app, "acme")
    stays(visitor.get(path, query_string={"next": url}))
    answer = visitor.submit(path, {"name": "Ada", "password": NEW, "next": url}, query_string={"next": url})
    assert answer.status_code == 303
    stays(answer)


@pytest.mark.parametrize("url", EVIL)
def test_claim_26_a_new_password_leads_nowhere_else(client: PageClient, sent_mails: Mails, url: str) -> None:
    stays(client.submit("/forgot-password", {"email": "agent@acme.example", "next": url}))
    path = "/t/acme/links/" + mailbox.links_in(sent_mails()[-1])[0].rpartition("/")[2]
    answer = client.submit(path, {"password": NEW, "again": NEW, "next": url}, query_string={"next": url})
    assert answer.status_code == 303
    stays(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Original-Host": "evil.example", "X-Host": "evil.example"},
        {"X-Forwarded-Proto": "javascript", "X-Forwarded-Prefix": "//evil.example"},
    ],
)
def test_claim_26_no_header_reaches_a_link_in_a_mail(
    client: PageClient, owner: PageClient, sent_mails: Mails, settings: Any, headers: dict[str, str]
) -> None:
    for person, path, form in (
        (client, "/forgot-password", {"email": "agent@acme.example"}),
        (owner, "/people", {"addresses": "ada@x.example", "role": "viewer"}),
        (owner, "/profile/address", {"email": "new@x.example", "current": "fairlead-demo"}),
    ):
        person.submit(path, form, headers=headers, check=False)
    for mail in sent_mails():
        assert "evil" not in mail.as_string()
        for link in mailbox.links_in(mail):
            assert link.startswith(f"{settings.public_url}/t/acme/"), link
