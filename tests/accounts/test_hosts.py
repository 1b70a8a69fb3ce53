"""Claim 26 and ADR 28: a request for a host that is not ours gets a sentence, and nothing it says is repeated."""

from __future__ import annotations

import pytest
from flask import Flask, request

from app import create_app
from app.config import Settings, load_settings
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.servers import with_settings

HOSTILE = [
    "evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "localhost@evil.example",
    "evil.example:80@localhost",
    "localhost:80:80",
    "localhost:99999",
    "localhost:0",
    "localhost:",
    "localhost:8o",
    "localhost/evil",
    "localhost evil.example",
    "localhost,evil.example",
    "localhost\\.evil.example",
    "localhost?x",
    "localhost#x",
    "ac\u00adme.localhost",
    "acme.localhost.",
    "<script>alert(1)</script>",
    "127.0.0.1.evil.example",
    "2130706433",
    "[::1",
    "[::1]evil",
    "",
]


@pytest.fixture
def bare(app: Flask) -> PageClient:
    made = client_of(app, "acme")
    made.root = ""
    return made


@pytest.mark.parametrize("host", HOSTILE)
@pytest.mark.parametrize("path", ["/", "/t/acme/sign-in", "/t/acme/leads", "/api/nothing", "/nothing"])
def test_hosts_that_are_not_ours(bare: PageClient, host: str, path: str) -> None:
    answer = bare.get(path, environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})
    assert answer.status_code == 400
    if path.startswith("/api/"):
        assert "Nothing is served under this name" in answer.json["detail"]
    else:
        assert "Nothing is served under this name" in answer.text
    assert "evil" not in answer.text
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "acme.localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_hosts_that_are(bare: PageClient, host: str) -> None:
    assert bare.get("/t/acme/sign-in", base_url=f"http://{host}/").status_code == 200


def test_health_is_told_under_any_name(bare: PageClient) -> None:
    for host in ("10.0.3.7:8000", "evil.example", ""):
        assert bare.get("/api/health/live", environ_overrides={"HTTP_HOST": host}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "host", "status"),
    [
        ({"trusted_hosts": ("crm.example.org",)}, "crm.example.org", 200),
        ({"trusted_hosts": ("crm.example.org",)}, "a.crm.example.org", 400),
        ({"trusted_hosts": (".example.org",)}, "a.b.example.org:8443", 200),
        ({"trusted_hosts": (".example.org",)}, "badexample.org", 400),
        ({"base_domain": "crm.example"}, "crm.example", 200),
        ({"base_domain": "crm.example"}, "evilcrm.example", 400),
        ({"development": True}, "my-laptop.lan:8000", 200),
        ({"development": True}, "my laptop", 400),
    ],
)
def test_what_settings_say(app: Flask, settings: Settings, changes: dict[str, object], host: str, status: int) -> None:
    client = client_of(create_app(with_settings(settings, **changes)), "acme")
    assert client.get("/sign-in", environ_overrides={"HTTP_HOST": host}).status_code == status


def test_the_list_is_read_from_the_environment(settings: Settings) -> None:
    environ = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "x" * 32,
        "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
        "TRUSTED_HOSTS": " CRM.example.org,, .example.net ",
    }
    assert load_settings(environ).trusted_hosts == ("crm.example.org", ".example.net")


FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "host=evil.example",
    "X-Original-URL": "/evil",
    "X-Host": "evil.example",
}


@pytest.mark.parametrize(("hops", "expected"), [(0, ("localhost", "127.0.0.1", "http")), (1, None)])
def test_forwarded_headers_count_behind_a_known_proxy_only(
    app: Flask, settings: Settings, hops: int, expected: tuple[str, str, str] | None
) -> None:
    made = create_app(with_settings(settings, trusted_proxies=hops, trusted_hosts=(".example",)))
    told: list[tuple[str, str | None, str]] = []
    made.before_request_funcs[None].append(lambda: told.append((request.host, request.remote_addr, request.scheme)))
    client = client_of(made, "acme")
    assert client.get("/sign-in", headers=FORWARDED).status_code == 200
    assert told == [expected or ("evil.example", "203.0.113.9", "https")]


def test_a_proxy_cannot_bring_a_host_that_is_not_ours(app: Flask, settings: Settings) -> None:
    client = client_of(create_app(with_settings(settings, trusted_proxies=1)), "acme")
    assert client.get("/sign-in", headers=FORWARDED).status_code == 400
