"""Authenticator apps and recovery codes: setting up, signing in, replacing, removing."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from app.accounts import totp
from app.accounts.rules.second_factor import code_key, digits_of, must_have_second_factor, written_code
from app.core import cache
from app.core.clock import now
from tests.conftest import client_of
from tests.support.servers import PASSWORD

AGENT = {"email": "agent@acme.example", "password": PASSWORD}


class Phone:
    """An authenticator app. `code()` is what it shows now; a step later for each code it has shown."""

    def __init__(self, address: str) -> None:
        self.totp = pyotp.parse_uri(address)
        self.shown = 0

    def code(self) -> str:
        """One that was not shown before, within the window of steps around now."""
        self.shown = max(self.shown + 1, int(now().timestamp()) // 30 - 1)
        return self.totp.at(self.shown * 30)


def set_up(client) -> tuple[Phone, list[str]]:
    """Adds an authenticator app to whoever is signed in; the phone, and the recovery codes."""
    assert client.submit("/account/security/authenticator/start").status_code == 303
    page = client.get("/account/security/authenticator")
    assert page.status_code == 200
    phone = Phone(page.soup.find("a", href=re.compile("^otpauth:"))["href"])
    done = client.submit("/account/security/authenticator", {"code": phone.code()})
    assert done.status_code == 200, done.problems
    return phone, done.texts(".recovery-codes code")


def begin(app, data=AGENT):
    """A browser whose password was right."""
    client = client_of(app, "acme")
    answer = client.submit("/sign-in", data)
    client.token = None
    return client, answer


@pytest.fixture
def phone(agent):
    return set_up(agent)[0]


def test_setting_up_shows_picture_secret_and_codes(agent):
    agent.submit("/account/security/authenticator/start")
    page = agent.get("/account/security/authenticator")
    assert page.soup.select_one("svg.qr-code path")
    address = urlsplit(page.soup.find("a", href=re.compile("^otpauth:"))["href"])
    secret = parse_qs(address.query)["secret"][0]
    assert page.text_of(".secret").replace(" ", "") == secret
    assert len(secret) == 32
    wrong = agent.submit("/account/security/authenticator", {"code": "000000"})
    assert wrong.status_code == 422
    assert wrong.text_of(".secret").replace(" ", "") == secret, "the same secret is still on the page"
    done = agent.submit("/account/security/authenticator", {"code": pyotp.TOTP(secret).now()})
    assert len(set(done.texts(".recovery-codes code"))) == 10
    assert "10 codes are left" in agent.get("/account/security").text_of("#codes")


def test_a_secret_that_nobody_confirmed_asks_nobody(app, agent):
    agent.submit("/account/security/authenticator/start")
    assert begin(app)[1].location == "/t/acme/"


def test_signing_in_takes_password_and_code(app, phone):
    client, answer = begin(app, {**AGENT, "next": "/t/acme/leads/?q=x"})
    assert answer.location == "/t/acme/sign-in/second-factor?next=/t/acme/leads/?q%3Dx"
    assert client.get("/leads/").status_code == 303, "there is no session yet"
    page = client.get(answer.location)
    assert page.soup.find("input", {"name": "code"})["autocomplete"] == "one-time-code"
    wrong = client.submit("/sign-in/second-factor", {"code": "12 34 56", "next": "/t/acme/leads/?q=x"})
    assert wrong.status_code == 422
    assert client.submit("/sign-in/second-factor", {"code": ""}).status_code == 422
    done = client.submit("/sign-in/second-factor", {"code": phone.code(), "next": "/t/acme/leads/?q=x"})
    assert done.location == "/t/acme/leads/?q=x"
    assert client.get("/leads/").status_code == 200


def test_a_code_does_not_open_anothers_sign_in(app, agent, phone, as_role):
    set_up(as_role("manager"))
    client, _ = begin(app, {"email": "manager@acme.example", "password": PASSWORD})
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 422


def test_five_wrong_codes_start_over(app, phone, admin):
    client, _ = begin(app)
    for _ in range(4):
        assert client.submit("/sign-in/second-factor", {"code": "000000"}).status_code == 422
    over = client.submit("/sign-in/second-factor", {"code": "000000"})
    assert over.location == "/t/acme/sign-in"
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).location == "/t/acme/sign-in"
    reasons = admin.execute("select data->>'reason' from events where type = 'sign_in.refused'").fetchall()
    assert reasons == [("wrong code",)] * 5
    # They are counted for the account, so beginning again does not help a guesser.
    client, _ = begin(app)
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 422
    assert admin.execute("select count(*) from events where type = 'sign_in.locked'").fetchone() == (1,)


def test_recovery_codes_open_once_and_are_counted(app, agent, admin):
    _, codes = set_up(agent)
    client, _ = begin(app)
    page = client.get("/sign-in/second-factor?use=recovery")
    assert page.soup.find("input", {"name": "recovery_code"})
    typed = codes[3].upper().replace("-", " ")
    assert client.submit("/sign-in/second-factor", {"recovery_code": typed}).location == "/t/acme/"
    assert "9 codes are left" in client.get("/account/security").text_of("#codes")
    client, _ = begin(app)
    again = client.submit("/sign-in/second-factor", {"recovery_code": typed, "use": "recovery"})
    assert again.status_code == 422
    assert again.soup.find("input", {"name": "recovery_code"})
    stored = [row[0] for row in admin.execute("select code_hash from recovery_codes").fetchall()]
    assert not {code_key(code) for code in codes} & set(stored)


def test_new_recovery_codes_replace_the_old(app, agent):
    _, old = set_up(agent)
    fresh = agent.submit("/account/security/codes").texts(".recovery-codes code")
    assert not set(fresh) & set(old)
    client, _ = begin(app)
    assert client.submit("/sign-in/second-factor", {"recovery_code": old[0]}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"recovery_code": fresh[0]}).status_code == 303


def test_another_phone_takes_the_place_of_the_first(app, agent, phone):
    agent.submit("/account/security/authenticator/start")
    page = agent.get("/account/security/authenticator")
    second = Phone(page.soup.find("a", href=re.compile("^otpauth:"))["href"])
    assert begin(app)[0].submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 303
    assert agent.submit("/account/security/authenticator", {"code": second.code()}).status_code == 303
    client, _ = begin(app)
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"code": second.code()}).status_code == 303


def test_removing_the_app_makes_the_password_enough(app, agent, phone, admin):
    assert agent.submit("/account/security/authenticator/delete").status_code == 303
    assert begin(app)[1].location == "/t/acme/"
    assert admin.execute("select count(*) from recovery_codes").fetchone() == (0,)


def require(app, admin, *roles):
    admin.execute(
        "update tenants set policy = jsonb_build_object('second_factor_for', %s::jsonb)", (f'["{roles[0]}"]',)
    )
    with app.app_context():
        cache.bump("all", "tenant")


def test_a_role_that_must_sets_one_up_before_there_is_a_session(app, admin, client):
    require(app, admin, "agent")
    client, answer = begin(app, {**AGENT, "next": "/t/acme/leads/"})
    assert answer.location == "/t/acme/sign-in/authenticator?next=/t/acme/leads/"
    assert client.get("/leads/").status_code == 303
    assert client.submit("/sign-in/second-factor", {"code": "123456"}).location == "/t/acme/sign-in"
    client, answer = begin(app, {**AGENT, "next": "/t/acme/leads/"})
    page = client.get(answer.location)
    phone = Phone(page.soup.find("a", href=re.compile("^otpauth:"))["href"])
    assert client.submit("/sign-in/authenticator", {"code": "000000"}).status_code == 422
    codes = client.submit("/sign-in/authenticator", {"code": phone.code(), "next": "/t/acme/leads/"})
    assert len(codes.texts(".recovery-codes code")) == 10
    assert codes.soup.find("a", string=re.compile("go on"))["href"] == "/t/acme/leads/"
    assert client.get("/leads/").status_code == 200
    refused = client.submit("/account/security/authenticator/delete")
    assert refused.status_code == 303
    assert "Your role needs a second factor" in client.get("/account/security").toasts[0]
    client, answer = begin(app)
    assert "second-factor" in answer.location
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 303


def test_roles_that_need_not_are_not_asked(app, admin):
    require(app, admin, "owner")
    assert begin(app)[1].location == "/t/acme/"


def test_changing_factors_needs_a_fresh_sign_in(agent, phone, admin, app):
    admin.execute("update user_sessions set proved_at = now() - interval '16 minutes'")
    forget(app)
    for path in (
        "/account/security/authenticator/start",
        "/account/security/authenticator/delete",
        "/account/security/codes",
        "/account/passkeys/start",
        "/account/passkeys",
    ):
        assert agent.submit(path).location == "/t/acme/account/confirm?next=/t/acme/account/security", path
    assert agent.get("/account/security").status_code == 200
    assert agent.submit("/account/confirm", {"password": ""}).status_code == 422
    wrong = agent.submit("/account/confirm", {"password": "wrong", "next": "/t/acme/account/security"})
    assert wrong.problems == ["That is not your password. Try again; after several tries you have to wait for a while."]
    before = cookie_of(agent)
    done = agent.submit("/account/confirm", {"password": PASSWORD, "next": "/t/acme/account/security"})
    assert done.location == "/t/acme/account/security"
    agent.get("/account/security")
    assert cookie_of(agent) != before
    assert agent.submit("/account/security/codes").status_code == 200


def test_an_administrator_removes_them(app, agent, phone, owner, as_role, inside, acme, sent_mails):
    from app.accounts import queries

    with inside(acme):
        agent_id = queries.find_user_by_email("agent@acme.example").id
        owner_id = queries.find_user_by_email("owner@acme.example").id
    assert as_role("manager").submit(f"/people/{agent_id}/second-factors/delete").status_code == 403
    assert owner.submit(f"/people/{owner_id}/second-factors/delete").status_code == 422, "one's own page asks first"
    assert as_role("admin").submit(f"/people/{agent_id}/second-factors/delete").status_code == 303
    assert begin(app)[1].location == "/t/acme/"
    subjects = [mail["Subject"] for mail in sent_mails() if "agent@acme.example" in mail["To"]]
    assert subjects.count("How you sign in to Acme was changed") == 3, "added, codes made, removed"


def test_somebody_disabled_meanwhile_does_not_come_in(app, phone, admin):
    client, _ = begin(app)
    admin.execute("update users set disabled_at = now() where email = 'agent@acme.example'")
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).location == "/t/acme/sign-in"


@pytest.mark.parametrize("typed", ["", " ", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00", "x" * 5000, "-123456"])
def test_odd_codes_are_422(app, phone, typed):
    client, _ = begin(app)
    assert client.submit("/sign-in/second-factor", {"code": typed}).status_code == 422
    assert client.submit("/sign-in/second-factor", {"recovery_code": typed or "-"}).status_code == 422


def test_pages_without_a_sign_in_that_waits_start_over(client):
    for path in ("/sign-in/second-factor", "/sign-in/authenticator"):
        assert client.get(path).location == "/t/acme/sign-in"
        assert client.submit(path, {"code": "123456"}).location == "/t/acme/sign-in"


def test_rules():
    assert must_have_second_factor(["owner"], "owner")
    assert not must_have_second_factor(["owner"], "agent")
    assert must_have_second_factor(["0192"], "custom", "0192")
    assert code_key("ABCD-efgh-jkmn-OIL0") == "abcdefghjkmn0110"
    assert code_key("abc") == code_key("u" * 16) == ""
    assert written_code("abcdefghjkmn0110") == "abcd-efgh-jkmn-0110"
    assert digits_of(" 123 456 ") == "123456"
    secret = totp.new_secret()
    at = now()
    step = int(at.timestamp()) // 30
    for offset, fits in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = pyotp.TOTP(secret).at((step + offset) * 30)
        assert (totp.matching_step(secret, code, at, after=0) == step + offset) is fits


def cookie_of(client):
    serializer = client.application.session_interface.get_signing_serializer(client.application)
    return serializer.loads(client.get_cookie("fairlead-acme", path="/t/acme").value)["_user_id"]


def forget(app):
    from app.accounts import queries

    with app.app_context():
        cache.bump(queries.find_tenant("acme").id, "session")
