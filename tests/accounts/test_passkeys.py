"""Passkeys against an authenticator in software: what is right comes in, what an attacker would try does not."""

from __future__ import annotations

import json

import pytest

from app.accounts import actions
from tests.accounts.test_second_factor import AGENT, begin, forget
from tests.conftest import client_of
from tests.support.software_passkey import SoftwarePasskey

ORIGIN, RP = "http://localhost", "localhost"


def add(client, passkey, name="Laptop"):
    question = client.submit("/account/passkeys/start").get_data(as_text=True)
    return client.submit("/account/passkeys", {"credential": passkey.create(question), "name": name})


def question(client, path="/sign-in/passkeys/ask"):
    return client.submit(path).get_data(as_text=True)


def come_in(client, passkey, **changed):
    return client.submit("/sign-in/passkeys", {"credential": passkey.get(question(client), **changed)})


@pytest.fixture
def passkey(agent):
    made = SoftwarePasskey(ORIGIN, RP)
    assert len(add(agent, made).texts(".recovery-codes code")) == 10
    return made


def reasons(admin):
    rows = admin.execute("select data->>'reason' from events where type = 'sign_in.refused' order by at, id").fetchall()
    return [row[0] for row in rows]


def test_a_passkey_alone_signs_in_as_both_factors(client, passkey, admin):
    assert come_in(client, passkey).location == "/t/acme/"
    assert client.get("/leads/").status_code == 200
    rows = admin.execute("select method, second_factor from user_sessions where method = 'passkey'").fetchall()
    assert rows == [("passkey", True)]


def test_the_browser_is_asked_for_a_verified_discoverable_one(agent, passkey, client):
    asked = json.loads(agent.submit("/account/passkeys/start").get_data(as_text=True))
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert len(asked["excludeCredentials"]) == 1
    assert asked["rp"]["id"] == RP
    signing_in = json.loads(question(client))
    assert signing_in["userVerification"] == "required"
    assert signing_in["allowCredentials"] == [], "says nothing of anybody"


def test_as_a_second_factor_only_the_persons_own(app, passkey, as_role):
    theirs = SoftwarePasskey(ORIGIN, RP)
    add(as_role("manager"), theirs)
    client, answer = begin(app)
    assert "second-factor" in answer.location, "a password alone does not go round a passkey"
    path = "/sign-in/second-factor/passkeys"
    refused = client.submit(path, {"credential": theirs.get(question(client, f"{path}/ask"))})
    assert "second-factor" in refused.location
    from_elsewhere = client.submit(path, {"credential": passkey.get(question(client))})
    assert "second-factor" in from_elsewhere.location, "an answer to another question"
    done = client.submit(path, {"credential": passkey.get(question(client, f"{path}/ask"))})
    assert done.location == "/t/acme/"
    assert client.get("/leads/").status_code == 200


def test_an_answer_is_good_once(client, passkey):
    answer = passkey.get(question(client))
    assert client.submit("/sign-in/passkeys", {"credential": answer}).location == "/t/acme/"
    thief = client_of(client.application, "acme")
    assert thief.submit("/sign-in/passkeys", {"credential": answer}).location == "/t/acme/sign-in"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"rp_id": "evil.example"},
        {"verified": False},
        {"id": b"somebody else's.."},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_is_signed_elsewhere_or_unverified_is_refused(client, passkey, wrong, admin):
    for name, value in wrong.items():
        setattr(passkey, name, value)
    assert come_in(client, passkey).location == "/t/acme/sign-in"
    assert client.get("/leads/").status_code == 303
    assert reasons(admin) == ["unknown passkey" if "id" in wrong else "wrong passkey"]


def test_a_forged_signature_or_challenge_is_refused(client, passkey):
    assert come_in(client, passkey, signature=b"\x30\x06\x02\x01\x01\x02\x01\x01").location == "/t/acme/sign-in"
    assert come_in(client, passkey, challenge="bm90aGluZw").location == "/t/acme/sign-in"
    assert client.get("/leads/").status_code == 303


def test_a_counter_that_goes_back_means_a_copy(client, passkey, admin):
    passkey.count = 7
    assert come_in(client, passkey).location == "/t/acme/"
    for count in (7, 3, 0):
        passkey.count = count
        thief = client_of(client.application, "acme")
        assert come_in(thief, passkey).location == "/t/acme/sign-in"
    assert reasons(admin) == ["used passkey"] * 3
    passkey.count = 8
    assert come_in(client_of(client.application, "acme"), passkey).location == "/t/acme/"


def test_a_passkey_of_one_organisation_opens_no_other(app, passkey):
    stranger = client_of(app, "globex")
    assert come_in(stranger, passkey).location == "/t/globex/sign-in"
    answer = passkey.get(question(client_of(app, "acme")))
    assert stranger.submit("/sign-in/passkeys", {"credential": answer}).location == "/t/globex/sign-in"


def test_a_disabled_person_stays_out(client, passkey, admin):
    admin.execute("update users set disabled_at = now() where email = 'agent@acme.example'")
    assert come_in(client, passkey).location == "/t/acme/sign-in"
    assert reasons(admin) == ["disabled"]


def test_a_lock_does_not_hold_a_passkey(client, passkey):
    for _ in range(6):
        client.submit("/sign-in", {**AGENT, "password": "guess"})
    assert come_in(client, passkey).location == "/t/acme/"


@pytest.mark.parametrize(
    "odd", ["", "{}", "[]", "null", "nonsense", '{"response": 1}', '{"rawId": 5}', "x" * 30000, "\x00"]
)
def test_odd_answers_are_refused_in_peace(client, agent, odd):
    assert client.submit("/sign-in/passkeys", {"credential": odd}).location == "/t/acme/sign-in"
    assert agent.submit("/account/passkeys", {"credential": odd}).location == "/t/acme/account/security"
    assert actions.passkeys.NOT_ADDED in agent.get("/account/security").toasts


def test_another_persons_question_adds_nothing(agent, as_role):
    manager = as_role("manager")
    asked = agent.submit("/account/passkeys/start").get_data(as_text=True)
    manager.submit("/account/passkeys", {"credential": SoftwarePasskey(ORIGIN, RP).create(asked)})
    assert "passkey" not in manager.get("/account/security").text_of("#passkeys ul, #authenticator").lower()


def test_renaming_and_removing(agent, passkey, app, as_role):
    page = agent.get("/account/security")
    rename, remove = (form["action"] for form in page.soup.select("#passkeys .row-line form"))
    assert as_role("manager").submit(rename, {"name": "Mine"}).status_code == 404
    agent.submit(rename, {"name": "  Old   phone "})
    assert agent.get("/account/security").soup.select_one(".row-line [name=name]")["value"] == "Old phone"
    agent.submit(rename, {"name": "x" * 61})
    assert "60 characters" in agent.get("/account/security").toasts[-1]
    assert agent.submit(remove).status_code == 303
    assert begin(app)[1].location == "/t/acme/", "with the last factor gone the password is enough"


def test_it_confirms_that_it_is_still_the_same_person(agent, passkey, admin, app):
    admin.execute("update user_sessions set proved_at = now() - interval '1 hour'")
    forget(app)
    assert "confirm" in agent.submit("/account/security/codes").location
    asked = agent.submit("/account/passkeys/ask").get_data(as_text=True)
    done = agent.submit("/account/confirm/passkeys", {"credential": passkey.get(asked), "next": "/t/acme/leads/"})
    assert done.location == "/t/acme/leads/"
    assert agent.submit("/account/security/codes").status_code == 200


def test_no_passkeys_at_an_address_that_is_not_ours(client):
    page = client.get("/sign-in", base_url="http://127.0.0.1")
    assert page.status_code == 200
    assert page.soup.find(id="passkey_form") is None
