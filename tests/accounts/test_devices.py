"""Known browsers: the cookie, who is told of a new one, and the list of sessions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

import pytest

from app.accounts import actions
from app.accounts.browsers import described
from tests.conftest import client_of
from tests.support.servers import PASSWORD

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
AGENT = {"email": "agent@acme.example", "password": PASSWORD}


def device_cookie(client):
    return client.get_cookie("fairlead-device-acme", path="/t/acme")


def new_device_mails(sent_mails):
    return [mail for mail in sent_mails() if mail["Subject"] == "New sign-in to Acme"]


def test_the_cookie_is_locked_down_and_outlives_the_session(client, admin):
    response = client.submit("/sign-in", AGENT)
    (cookie,) = [value for value in response.headers.getlist("Set-Cookie") if value.startswith("fairlead-device-acme=")]
    for word in ("HttpOnly", "SameSite=Lax", "Path=/t/acme", f"Max-Age={400 * 24 * 3600}"):
        assert word in cookie
    client.token = None
    client.submit("/sign-out")
    assert device_cookie(client)
    (stored,) = admin.execute("select token_hash from devices").fetchone()
    assert stored not in unquote(cookie)
    again = client.sign_in("agent@acme.example", PASSWORD)
    assert not [value for value in again.headers.getlist("Set-Cookie") if value.startswith("fairlead-device")]
    assert admin.execute("select count(*) from devices").fetchone() == (1,)


def test_a_forged_cookie_is_a_new_browser(client, admin):
    client.set_cookie("fairlead-device-acme", '["planted"].AAAA', path="/t/acme")
    assert client.submit("/sign-in", AGENT).status_code == 303
    assert admin.execute("select count(*) from devices").fetchone() == (1,)


def test_people_who_share_a_browser_are_each_known(client, admin):
    for role in ("agent", "manager", "agent", "manager"):
        assert client.sign_in(f"{role}@acme.example", PASSWORD).status_code == 303
    assert admin.execute("select count(*), count(distinct user_id) from devices").fetchone() == (2, 2)


def test_a_new_browser_is_told_of_but_not_the_first(app, client, sent_mails):
    client.submit("/sign-in", AGENT)
    assert new_device_mails(sent_mails) == []
    client.sign_in("agent@acme.example", PASSWORD)
    assert new_device_mails(sent_mails) == []
    other = client_of(app, "acme")
    other.submit("/sign-in", AGENT, headers={"User-Agent": FIREFOX})
    (mail,) = new_device_mails(sent_mails)
    assert "Firefox on Windows" in mail.get_body(("plain",)).get_content()


def test_sessions_say_browser_address_and_way_in(client):
    client.submit("/sign-in", AGENT, headers={"User-Agent": FIREFOX})
    page = client.get("/account/sessions")
    line = page.text_of("[data-session]")
    for word in ("Firefox on Windows", "This browser", "Password", "127.0.0.1"):
        assert word in line
    assert not page.soup.select("[data-session] form"), "its own session is signed out by the menu"


def test_browsers_nobody_comes_with_are_forgotten(client, inside, acme):
    client.submit("/sign-in", AGENT)
    with inside(acme):
        assert actions.purge_devices(acme.tenant_id, acme.now + timedelta(days=399)) == 0
        assert actions.purge_devices(acme.tenant_id, acme.now + timedelta(days=401)) == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("x" * 10_000, "Unknown browser"),
    ],
)
def test_browsers_in_words(user_agent, words):
    assert described(user_agent) == words
