"""Claim 20: lock-out stops guessing, not the owner: by account and source, expiring, audited; 100 tries at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import psycopg
import pytest

from app.accounts import actions, queries
from app.accounts.actions import Origin
from app.core import db as database
from app.core.clock import now
from app.core.errors import Invalid
from app.core.scope import Scope
from tests.support.servers import PASSWORD
from tests.support.site import Site, running_site

ALLOWED = 5
AT_ONCE = 100
OWNER = "owner@acme.example"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The product in two worker processes."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with running_site(f"lock{worker}", tmp_path, WEB_WORKERS="2") as running:
        yield running


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def knock(site: Site, password: str, email: str) -> int:
    """One try by a browser of its own; the answer's status."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()), Stay)
    try:
        page = opener.open(site.url() + "/sign-in", timeout=60).read().decode()
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        form = urlencode({"csrf_token": token, "email": email, "password": password}).encode()
        return opener.open(Request(site.url() + "/sign-in", form), timeout=60).status
    except HTTPError as answer:
        return answer.code


def test_claim_20_a_hundred_tries_at_once_do_not_pass_the_limit(site: Site) -> None:
    for email in ("nobody@acme.example", "agent@acme.example"):
        typed = [(site, f"guess number {number}", email) for number in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = list(threads.map(knock, *zip(*typed, strict=True)))
        # A machine that is busy may have no connection left for some: they were not looked at either.
        assert set(found) <= {422, 503}
        assert found.count(422) > 2 * ALLOWED, "enough of them to pass the limit, if it could be passed"
        with psycopg.connect(database.libpq_url(site.servers.admin_url)) as admin:
            looked_at, refused = admin.execute(
                "select count(*) filter (where data->>'reason' <> 'locked'), count(*) from events "
                "where type = 'sign_in.refused' and (data->>'address' is null) = %s",
                (email.startswith("agent"),),
            ).fetchone()
        assert 1 <= looked_at <= ALLOWED
        assert refused >= found.count(422)
    assert knock(site, PASSWORD, "agent@acme.example") == 422, "the right password comes too late"


def sign_in(inside: Any, scope: Scope, password: str, at: Any, origin: Origin) -> Any:
    with inside(scope):
        try:
            return actions.sign_in(queries.find_tenant("acme"), origin, email=OWNER, password=password, at=at)
        except Invalid:
            return None


def test_claim_20_the_owner_gets_in_while_somebody_guesses(inside: Callable[..., Any], acme: Scope) -> None:
    at = now()
    device = sign_in(inside, acme, PASSWORD, at, Origin("192.0.2.1", "Firefox")).device_token
    for number in range(60):
        sign_in(inside, acme, "guess", at, Origin(f"203.0.113.{number}", None))
    somewhere = Origin("198.51.100.1", "Firefox")
    assert sign_in(inside, acme, PASSWORD, at, somewhere) is None, "all unknown sources together are locked"
    known = Origin("198.51.100.1", "Firefox", (device,))
    assert sign_in(inside, acme, PASSWORD, at, known) is not None, "but not the owner's own browser"


def test_claim_20_locks_end_by_themselves_and_grow(inside: Callable[..., Any], acme: Scope) -> None:
    at, here = now(), Origin("192.0.2.9", None)
    for minutes in (1, 2, 4, 8):
        for _ in range(ALLOWED):
            sign_in(inside, acme, "guess", at, here)
        almost = at + timedelta(minutes=minutes) - timedelta(seconds=1)
        assert sign_in(inside, acme, PASSWORD, almost, here) is None
        at += timedelta(minutes=minutes)
    assert sign_in(inside, acme, PASSWORD, at, here) is not None


def test_claim_20_who_when_from_where_and_why_are_in_the_log(
    inside: Callable[..., Any], acme: Scope, admin: Any
) -> None:
    at = now()
    for _ in range(ALLOWED + 1):
        sign_in(inside, acme, "guess", at, Origin("192.0.2.9", None))
    kinds = admin.execute(
        "select type, data->>'reason', data->>'ip', subject_id, at from events where type like 'sign_in.%%' order by id"
    ).fetchall()
    assert [row[:2] for row in kinds] == [
        *[("sign_in.refused", "wrong password")] * ALLOWED,
        ("sign_in.locked", None),
        ("sign_in.refused", "locked"),
    ]
    assert {row[2:] for row in kinds} == {("192.0.2.9", acme.user_id, at)}


def test_claim_20_its_owner_is_told_once_an_hour(
    inside: Callable[..., Any], acme: Scope, sent_mails: Callable[[], list[Any]]
) -> None:
    at = now()
    for number in range(3):
        for _ in range(ALLOWED):
            sign_in(inside, acme, "guess", at, Origin(f"192.0.2.{number}", None))
    for _ in range(ALLOWED):
        with inside(acme), pytest.raises(Invalid):
            actions.sign_in(
                queries.find_tenant("acme"), Origin("192.0.2.1", None), email="no@acme.example", password="x", at=at
            )
    mails = [mail for mail in sent_mails() if "is held" in mail["Subject"]]
    assert [(mail["To"].addresses[0].addr_spec, mail["Subject"]) for mail in mails] == [
        (OWNER, "Sign-in to Acme is held for a while")
    ]
    text = mails[0].get_body(("plain",)).get_content()
    assert "192.0.2." in text
    assert "/t/acme/forgot-password" in text
