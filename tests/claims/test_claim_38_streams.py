"""Claim 38: 200 live streams on the real server hold no database connection, and pages go on being answered.

How fast they are answered meanwhile is measured by `python -m benchmarks.live`; timing is not asserted here.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import requests

from app.core import db as database
from app.core.live.hub import MOST_OF_A_SESSION
from tests.support.clients import _CSRF
from tests.support.servers import PASSWORD
from tests.support.site import Site, fill_sample, running_site
from tests.support.streams import live_path

STREAMS = 200
POOL = 2
_OVERFLOW = 2
_SECONDS = 60
_LAST_CHUNK = b"\r\n0\r\n\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a pool so small that a few streams would exhaust it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    logs: Path = tmp_path_factory.mktemp("logs")
    with running_site(f"live{worker}", logs, DATABASE_POOL=str(POOL), WEB_WORKERS="1", WEB_GRACE="30") as running:
        fill_sample(running)
        yield running


def signed_in(site: Site, role: str) -> requests.Session:
    browser = requests.Session()
    page = browser.get(f"{site.url()}/sign-in", timeout=30)
    form = {"email": f"{role}@acme.example", "password": PASSWORD, "csrf_token": token_of(page.text)}
    answer = browser.post(f"{site.url()}/sign-in", form, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    return browser


def token_of(page: str) -> str:
    found = _CSRF.search(page)
    assert found is not None
    return found[1] or found[2]


class Stream:
    """One open stream, as a bare connection."""

    def __init__(self, site: Site, browser: requests.Session, path: str) -> None:
        address = urlsplit(site.address)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
        head = f"GET /t/acme{path} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookies}\r\n\r\n"
        self.socket.sendall(head.encode())
        self.heard = b""

    def until(self, text: bytes) -> None:
        """Beats go on coming whatever else does not, so there is an end to waiting."""
        last = time.monotonic() + _SECONDS
        while text not in self.heard:
            assert time.monotonic() < last, f"not heard: {text!r}, but {self.heard[-500:]!r}"
            part = self.socket.recv(65536)
            assert part, f"the stream ended before {text!r}: {self.heard[-500:]!r}"
            self.heard += part


def opened_by(site: Site, role: str) -> Stream:
    """A stream of somebody who looks at the list, that is ready."""
    browser = signed_in(site, role)
    page = browser.get(f"{site.url()}/leads/", timeout=30).text
    stream = Stream(site, browser, live_path(re.findall(r'data-live="([^"]+)"', page)))
    stream.until(b"event: ready")
    return stream


def make_them_look(site: Site) -> None:
    """Every stream asks anew whether its session holds."""
    bell = redis.Redis.from_url(site.servers.settings.redis_url)
    (tenant,) = [key.decode().removeprefix("live:") for key in bell.keys("live:????????-*")]
    with bell.pipeline() as pipe:
        pipe.hincrby(f"gen:{tenant}", "session", 1)
        pipe.xadd(f"live:{tenant}", {"names": "session:*"})
        pipe.execute()


@pytest.fixture(scope="module")
def streams(site: Site) -> Iterator[list[Stream]]:
    """200 streams of people who look at the list, by as many sessions as that takes."""
    opened: list[Stream] = []
    while len(opened) < STREAMS:
        browser = signed_in(site, "agent")
        page = browser.get(f"{site.url()}/leads/", timeout=30).text
        tokens = re.findall(r'data-live="([^"]+)"', page)
        opened += [Stream(site, browser, live_path(tokens)) for _ in range(MOST_OF_A_SESSION)]
    for stream in opened:
        stream.until(b"event: ready")
    yield opened
    for stream in opened:
        stream.socket.close()


def test_claim_38_streams_hold_no_database_connection(site: Site, streams: list[Stream]) -> None:
    with psycopg.connect(database.libpq_url(site.servers.admin_url)) as admin:
        row = admin.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = 'fairlead_app'"
        ).fetchone()
    assert row is not None
    # Web, worker and scheduler have a pool each.
    assert row[0] <= 3 * (POOL + _OVERFLOW)


def test_claim_38_pages_are_answered_meanwhile(site: Site, streams: list[Stream]) -> None:
    """More pages than there are connections: had the streams kept one each, these would be 503."""
    browser = signed_in(site, "owner")
    lead = re.search(r'href="([^"]+)" hx-boost', browser.get(f"{site.url()}/leads/", timeout=30).text)
    assert lead is not None
    for _ in range(10):
        for path in (f"{site.url()}/leads/?sort=name", f"{site.url()}/leads/", f"{site.url()}/people/"):
            assert browser.get(path, timeout=30).status_code == 200, path


def test_claim_38_all_of_them_hear_a_change_over_few_connections(site: Site, streams: list[Stream]) -> None:
    bell = redis.Redis.from_url(site.servers.settings.redis_url)
    number = str(bell.connection_pool.connection_kwargs["db"])
    # Other tests have databases of their own in the same server.
    assert len([one for one in bell.client_list() if one["db"] == number]) < 40
    browser = signed_in(site, "owner")
    page = browser.get(f"{site.url()}/leads/new", timeout=30).text
    form = {"last_name": "Heard", "csrf_token": token_of(page)}
    assert browser.post(f"{site.url()}/leads/", form, allow_redirects=False, timeout=30).status_code == 303
    for stream in streams:
        stream.until(b'"names": ["lead"]')


def test_claim_38_they_end_with_their_sessions(site: Site, streams: list[Stream]) -> None:
    """One person is shut out: their streams end within moments, though nothing was asked."""
    with psycopg.connect(database.libpq_url(site.servers.admin_url), autocommit=True) as admin:
        admin.execute(
            "delete from user_sessions where user_id in (select id from users where email like 'agent@acme%')"
        )
    make_them_look(site)
    for stream in streams:
        stream.until(b"event: end")


def test_claim_38_who_hangs_up_is_noticed(site: Site) -> None:
    """Pages are left all the time; their streams must not stay until writing to them fails, half a minute later."""
    stream = opened_by(site, "viewer")
    stream.socket.shutdown(socket.SHUT_WR)
    stream.until(_LAST_CHUNK)


def test_claim_38_without_the_database_they_end_and_nobody_is_sent_to_ask_at_once(site: Site) -> None:
    """Whether the session holds cannot be said: the stream ends, without the word that makes pages ask again."""
    stream = opened_by(site, "viewer")
    name = urlsplit(site.servers.admin_url).path[1:]
    elsewhere = urlsplit(database.libpq_url(site.servers.admin_url))._replace(path="/postgres").geturl()
    with psycopg.connect(elsewhere, autocommit=True) as admin:
        try:
            admin.execute(f'alter database "{name}" with allow_connections false'.encode())
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            make_them_look(site)
            stream.until(_LAST_CHUNK)
        finally:
            admin.execute(f'alter database "{name}" with allow_connections true'.encode())
    assert b"event: end" not in stream.heard


def test_claim_38_a_restart_ends_them_properly(site: Site) -> None:
    """The server that is told to stop ends its streams by itself, long before it would be cut off."""
    stream = opened_by(site, "viewer")
    site.processes["web"].terminate()
    stream.until(_LAST_CHUNK)
    site.processes["web"].wait(25)
