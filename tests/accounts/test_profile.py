"""One's own page: name and zone, a new password, a new address and the way back."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from tests.conftest import client_of
from tests.support import mailbox
from tests.support.clients import PageClient
from tests.support.servers import PASSWORD

AsRole = Callable[..., PageClient]
Mails = Callable[[], list[EmailMessage]]
NEW = "plover carnival 7 dusk anthem"
CHANGE = {"current": PASSWORD, "password": NEW, "again": NEW}
MOVE = {"email": "amal@new.example", "current": PASSWORD}


def link_to(mails: Mails, address: str, subject: str) -> str:
    found = [mail for mail in mails() if address in str(mail["To"]) and subject in str(mail["Subject"])]
    return "/t/acme/links/" + mailbox.links_in(found[-1])[0].rpartition("/")[2]


def stored(admin: Any) -> Any:
    return admin.execute("select name, zone, locale from users where email = 'agent@acme.example'").fetchone()


def test_name_zone_and_language(agent: PageClient, admin: Any) -> None:
    form = {"name": " Amal  Ágnes ", "zone": "Asia/Tokyo", "locale": "de_AT"}
    assert agent.submit("/profile", form).status_code == 303
    assert stored(admin) == ("Amal Ágnes", "Asia/Tokyo", "de_AT")
    page = agent.get("/profile")
    assert page.soup.select_one("#zone option[selected]")["value"] == "Asia/Tokyo"
    assert "Amal Ágnes" in page.text_of(".user-name")
    assert agent.submit("/profile", form | {"zone": "", "locale": ""}).status_code == 303
    assert stored(admin) == ("Amal Ágnes", None, None)


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"zone": "Mars/Olympus"}, {"locale": "xx_XX"}, {"name": "x" * 200}, {"zone": "../etc"}]
)
def test_what_makes_no_sense_is_refused(agent: PageClient, admin: Any, change: dict[str, str]) -> None:
    before = stored(admin)
    answer = agent.submit("/profile", {"name": "Amal", "zone": "", "locale": ""} | change)
    assert answer.status_code == 422
    assert answer.problems
    assert stored(admin) == before


def test_a_new_password_keeps_this_session_under_a_new_token_and_ends_the_others(
    app: Flask, as_role: AsRole, sent_mails: Mails, admin: Any
) -> None:
    here, elsewhere = as_role("agent"), as_role("agent")
    cookie = here.get_cookie("fairlead-acme", path="/t/acme")
    assert here.submit("/profile/password", CHANGE).status_code == 303
    assert here.get("/leads/").status_code == 200
    assert elsewhere.get("/leads/").status_code == 303
    thief = client_of(app, "acme")
    assert cookie is not None
    thief.set_cookie("fairlead-acme", cookie.value, path="/t/acme")
    assert thief.get("/leads/").status_code == 303, "the token before is worth nothing"
    assert client_of(app, "acme").sign_in("agent@acme.example", PASSWORD).status_code == 422
    assert client_of(app, "acme").sign_in("agent@acme.example", NEW).status_code == 303
    assert [mail["Subject"] for mail in sent_mails() if "password" in mail["Subject"]] == [
        "Your password for Acme was changed"
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"current": "wrong"}, "not your present password"),
        ({"current": ""}, "present password"),
        ({"again": "other"}, "not the same"),
        ({"password": "short", "again": "short"}, "at least 12"),
        ({"password": PASSWORD, "again": PASSWORD}, "the password you have"),
    ],
)
def test_a_password_is_not_changed_by_mistake(agent: PageClient, admin: Any, change: dict[str, str], says: str) -> None:
    before = admin.execute("select password_hash from users where role = 'agent' order by id").fetchall()
    answer = agent.submit("/profile/password", CHANGE | change)
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)
    assert admin.execute("select password_hash from users where role = 'agent' order by id").fetchall() == before


def test_a_new_address_is_confirmed_from_it(agent: PageClient, app: Flask, sent_mails: Mails) -> None:
    assert agent.submit("/profile/address", MOVE).status_code == 303
    assert "agent@acme.example" in agent.get("/profile").text_of("#address"), "nothing changes before the link"
    path = link_to(sent_mails, "amal@new.example", "Confirm")
    visitor = client_of(app, "acme")
    assert "amal@new.example" in visitor.get(path).text_of("main")
    assert visitor.submit(path).status_code == 303
    assert "amal@new.example" in agent.get("/profile").text_of("#address")
    assert client_of(app, "acme").sign_in("agent@acme.example", PASSWORD).status_code == 422
    assert client_of(app, "acme").sign_in("Amal@NEW.example", PASSWORD).status_code == 303


def test_the_former_address_takes_it_back_even_after_two_changes(
    agent: PageClient, app: Flask, sent_mails: Mails
) -> None:
    """Somebody took the account over, changed the address, and changed it once more to shake off its owner."""
    agent.submit("/profile/address", MOVE)
    undo = link_to(sent_mails, "agent@acme.example", "about to change")
    client_of(app, "acme").submit(link_to(sent_mails, "amal@new.example", "Confirm"))
    agent.submit("/profile/address", {"email": "thief@evil.example", "current": PASSWORD})
    second_undo = link_to(sent_mails, "amal@new.example", "about to change")
    client_of(app, "acme").submit(link_to(sent_mails, "thief@evil.example", "Confirm"))

    visitor = client_of(app, "acme")
    assert "agent@acme.example" in visitor.get(undo).text_of("main")
    answer = visitor.submit(undo)
    assert answer.status_code == 303
    assert agent.get("/leads/").status_code == 303, "everybody is signed out"
    assert client_of(app, "acme").sign_in("agent@acme.example", PASSWORD).status_code == 422, "the password is gone"
    assert visitor.submit(second_undo).status_code == 410, "no other link is left"
    assert visitor.submit(answer.location, {"password": NEW, "again": NEW}).status_code == 303
    assert client_of(app, "acme").sign_in("agent@acme.example", NEW).status_code == 303


def test_a_change_taken_back_before_it_happened_does_not_happen(
    agent: PageClient, app: Flask, sent_mails: Mails
) -> None:
    agent.submit("/profile/address", MOVE)
    confirm = link_to(sent_mails, "amal@new.example", "Confirm")
    client_of(app, "acme").submit(link_to(sent_mails, "agent@acme.example", "about to change"))
    assert client_of(app, "acme").submit(confirm).status_code == 410


def test_an_address_that_is_somebodys_is_answered_alike_and_not_taken(
    agent: PageClient, app: Flask, sent_mails: Mails
) -> None:
    free = agent.submit("/profile/address", MOVE)
    taken = agent.submit("/profile/address", MOVE | {"email": "owner@acme.example"})
    assert (free.status_code, free.location) == (taken.status_code, taken.location)
    told = [mail["Subject"] for mail in sent_mails() if "owner@acme.example" in str(mail["To"])]
    assert told == ["Somebody wanted to use your address at Acme"]


def test_an_address_taken_meanwhile_is_said(
    agent: PageClient, owner: PageClient, app: Flask, sent_mails: Mails
) -> None:
    agent.submit("/profile/address", MOVE)
    path = link_to(sent_mails, "amal@new.example", "Confirm")
    owner.submit("/people", {"addresses": "amal@new.example", "role": "viewer"})
    answer = client_of(app, "acme").submit(path)
    assert answer.status_code == 409
    assert "Somebody else here has this address" in answer.text_of("main")


@pytest.mark.parametrize(
    "change",
    [
        {"email": "agent@ACME.example"},
        {"email": "nope"},
        {"email": "a@x.example\r\nBcc: b@evil.example"},
        {"current": "wrong"},
    ],
)
def test_an_address_that_cannot_be(agent: PageClient, sent_mails: Mails, change: dict[str, str]) -> None:
    answer = agent.submit("/profile/address", MOVE | change)
    assert answer.status_code == 422
    assert answer.problems
    assert sent_mails() == []


def test_an_unconfirmed_address_can_be_confirmed(agent: PageClient, app: Flask, sent_mails: Mails, admin: Any) -> None:
    assert agent.submit("/profile/confirmations").status_code == 409
    admin.execute("update users set email_confirmed_at = null where email = 'agent@acme.example'")
    assert "Confirm your address" in agent.get("/profile").text_of("main")
    assert agent.submit("/profile/confirmations").status_code == 303
    assert client_of(app, "acme").submit(link_to(sent_mails, "agent@acme.example", "Confirm")).status_code == 303
    assert "Confirm your address" not in agent.get("/profile").text_of("main")
