"""Claim 26: nobody is sent away, by `Location`, `HX-Location` or `HX-Redirect`, whatever the request says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.links import is_ours
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.routes import ask, methods_of, rules_of, subject
from tests.support.servers import PASSWORD
from tests.support.world import World

EVIL = (
    *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
    *("/t/acme/../../evil", "/t/acme/%2e%2e/x", "javascript:alert(1)", "///evil.example", "/%5cevil.example"),
    *("http:evil.example", "/t/acmeevil/", "/t/globex/leads", " //evil.example", "/t/acme\\@evil.example"),
)
SENT = ("Location", "HX-Location", "HX-Redirect", "HX-Push-Url", "Refresh", "Content-Location")


def addresses(answer: Any) -> list[str]:
    return [answer.headers[name] for name in SENT if answer.headers.get(name, "false") != "false"]


def stays(answer: Any) -> None:
    for address in addresses(answer):
        assert is_ours(address, "/t/acme") or address == "/", address


@pytest.mark.parametrize("url", EVIL)
@pytest.mark.parametrize("htmx", [False, True])
def test_claim_26_after_sign_in(app: Flask, url: str, htmx: bool) -> None:
    client = client_of(app, "acme")
    headers = {"HX-Request": "true", "HX-Current-URL": url} if htmx else {}
    page = client.get("/sign-in", query_string={"next": url}, headers=headers)
    stays(page)
    found = page.soup.find("input", {"name": "next"})
    assert found is None or not found.get("value")
    form = {"email": "owner@acme.example", "password": PASSWORD, "next": url}
    answer = client.submit("/sign-in", form, headers=headers)
    assert answer.status_code in (303, 204)
    assert addresses(answer)
    stays(answer)


def test_claim_26_every_route_with_every_address(
    app: Flask, as_role: Callable[..., PageClient], client: PageClient, world: World
) -> None:
    """Signed in and signed out, with evil in each header and parameter that a route might follow."""
    owner = as_role("owner")
    for rule in rules_of(app):
        for method in methods_of(rule):
            for url in EVIL[:3]:
                if rule.endpoint == "accounts.sign_out":
                    continue
                headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#dialog"}
                # A header cannot hold the tricks with control characters: the client itself refuses them.
                headers |= {"HX-Current-URL": url, "Referer": url, "X-Forwarded-Host": "evil.example"}
                for who in (owner, client):
                    values = subject(rule, world)
                    stays(ask(who, rule, method, values, headers=headers, query_string={"next": url}, check=False))


def test_claim_26_a_foreign_host_is_never_repeated(client: PageClient) -> None:
    for path in ("/leads/", "/", "/sign-in", "//evil.example/x", "/leads//"):
        answer = client.get(path, headers={"Host": "evil.example"}, check=False)
        stays(answer)
        assert "evil.example" not in answer.get_data(as_text=True).replace("//evil.example/x", "")
