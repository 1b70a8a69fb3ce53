"""Single sign-on against a real provider: who comes in, as whom, with which role; and what is not believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask

from app.accounts import actions, queries
from app.accounts.rules import ProviderValues
from app.core import cache
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient, PageResponse
from tests.support.oidc_provider import OidcProvider
from tests.support.servers import with_settings


class SetUp:
    """acme with the provider: `come(login)` goes from the sign-in page to the provider and back."""

    def __init__(self, app: Flask, provider: OidcProvider, inside: Callable[..., Any], owner: Scope) -> None:
        self.app, self.provider, self._inside, self.owner = app, provider, inside, owner
        with inside(owner):
            self.id = actions.create_provider(owner, self.values(), provider.client_secret)
        self.callback = f"http://localhost/t/acme/sign-in/sso/{self.id}/callback"
        provider.allow(self.callback)

    def values(self, **changes: Any) -> ProviderValues:
        usual: dict[str, Any] = {
            "name": "Idp",
            "issuer": self.provider.issuer,
            "client_id": self.provider.client_id,
            "domains": ["idp.example"],
            "group_roles": [],
            "default_role": "viewer",
        }
        return ProviderValues(**usual | changes)

    def change(self, by: Scope | None = None, *, secret: str | None = None, **changes: Any) -> None:
        who = by or self.owner
        with self._inside(who):
            version = queries.get_provider(who, self.id).version
            actions.update_provider(who, self.id, version, self.values(**changes), secret)

    def start(self, browser: PageClient, **query: str) -> str:
        """The address at the provider."""
        answer = browser.get(f"/sign-in/sso/{self.id}/start", query_string=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def come(self, login: str, browser: PageClient | None = None, **query: str) -> PageResponse:
        browser = browser or client_of(self.app, "acme")
        return browser.get(self.back(self.provider.authorize(self.start(browser, **query), login)))

    def back(self, address: str, **changes: str | None) -> str:
        """The address the provider sent the browser back to, altered."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == self.callback
        asked = {**dict(parse_qsl(parts.query)), **changes}
        return f"{parts.path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"

    def person(self, admin: Any, email: str) -> tuple[Any, ...] | None:
        return admin.execute(  # type: ignore[no-any-return]
            "select name, role, password_hash is null, joined_at is not null from users where email = %s", (email,)
        ).fetchone()


@pytest.fixture
def sso(
    app: Flask, oidc_provider: OidcProvider, inside: Callable[..., Any], acme: Scope, monkeypatch: pytest.MonkeyPatch
) -> SetUp:
    allowed = with_settings(app.extensions["fairlead.settings"], outbound_private_hosts=(oidc_provider.host,))
    monkeypatch.setitem(app.extensions, "fairlead.settings", allowed)
    return SetUp(app, oidc_provider, inside, acme)


def add_person(admin: Any, email: str, role: str = "agent") -> None:
    admin.execute(
        "insert into users (tenant_id, id, email, email_key, name, role, created_at, updated_at, version, joined_at) "
        "select id, gen_random_uuid(), %s, lower(%s), 'Known', %s, now(), now(), 1, now() from tenants "
        "where slug = 'acme'",
        (email, email, role),
    )


def failed(answer: PageResponse, *words: str) -> None:
    assert answer.status_code in (400, 403), answer.text
    text = answer.text_of("main")
    assert "Back to sign-in" in text
    for word in words:
        assert word in text, text


def test_the_sign_in_page_offers_it_only_where_it_is_enabled(sso: SetUp, client: PageClient) -> None:
    assert "Continue with Idp" in client.get("/sign-in").text
    assert "Continue with" not in client.get("/t/globex/sign-in").text
    sso.change(enabled=False)
    assert "Continue with" not in client.get("/sign-in").text
    assert client.get(f"/sign-in/sso/{sso.id}/start").status_code == 404


def test_the_first_sign_in_makes_the_person(sso: SetUp, admin: Any) -> None:
    browser = client_of(sso.app, "acme")
    answer = sso.come("ada", browser, next="/t/acme/leads?q=x")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/t/acme/leads?q=x"
    assert browser.get("/leads/").status_code == 200
    assert sso.person(admin, "ada@idp.example") == ("Ada Lovelace", "viewer", True, True)
    types = [row[0] for row in admin.execute("select type from events order by id").fetchall()]
    assert types[-4:] == ["user.created", "user.identity_linked", "device.seen", "sign_in.started"]
    assert admin.execute("select method from user_sessions").fetchall() == [("single-sign-on",)]


def test_the_second_knows_them_by_subject_whatever_their_address_is_now(sso: SetUp, admin: Any) -> None:
    assert sso.come("ada").status_code == 303
    sso.provider.set_user("ada", email="married@elsewhere.example", email_verified=False)
    assert sso.come("ada").status_code == 303
    (count,) = admin.execute("select count(*) from users where email like '%idp.example'").fetchone()
    assert count == 1
    (identities,) = admin.execute("select count(*) from external_identities").fetchone()
    assert identities == 1


def test_claims_may_stand_in_userinfo_only(sso: SetUp, admin: Any) -> None:
    sso.provider.set(token_claims=False)
    assert sso.come("ada").status_code == 303
    assert sso.person(admin, "ada@idp.example")[0] == "Ada Lovelace"  # type: ignore[index]


def test_an_address_that_is_here_is_linked(sso: SetUp, admin: Any) -> None:
    add_person(admin, "Ada@idp.example")
    assert sso.come("ada").status_code == 303
    assert sso.person(admin, "Ada@idp.example")[:2] == ("Known", "agent")  # type: ignore[index]


@pytest.mark.parametrize(
    ("login", "words"), [("bob", "did not confirm"), ("cleo", "did not confirm")], ids=["unverified", "no address"]
)
def test_an_address_that_is_not_confirmed_is_nobodys(sso: SetUp, admin: Any, login: str, words: str) -> None:
    add_person(admin, "bob@idp.example")
    failed(sso.come(login), words)
    assert admin.execute("select count(*) from external_identities").fetchone() == (0,)


def test_a_provider_speaks_for_its_domains_only(sso: SetUp, admin: Any) -> None:
    for email in ("owner@acme.example", "ada@sub.idp.example", "ada@xidp.example", "ada@idp.example.evil.example"):
        sso.provider.set_user("ada", email=email)
        failed(sso.come("ada"), "may not speak")
    assert admin.execute("select count(*) from external_identities").fetchone() == (0,)


def test_another_subject_with_the_same_address_is_not_the_same_person(sso: SetUp) -> None:
    assert sso.come("ada").status_code == 303
    failed(sso.come("ann"), "Somebody else at Idp")


def test_whoever_set_it_up_cannot_come_in_as_somebody_with_more_rights(
    sso: SetUp, admin: Any, scope_in: Callable[..., Scope]
) -> None:
    """Else an administrator could name a provider of their own and be the owner."""
    sso.change(by=scope_in("acme", "admin"), domains=["acme.example"])
    sso.provider.set_user("ada", email="owner@acme.example")
    failed(sso.come("ada"), "more than whoever set up")
    sso.provider.set_user("ada", email="manager@acme.example")
    assert sso.come("ada").status_code == 303
    sso.change(domains=["acme.example"])
    sso.provider.set_user("eve", sub="sub-eve", email="owner@acme.example", email_verified=True)
    assert sso.come("eve").status_code == 303, "an owner set it up"


def test_another_issuer_forgets_who_is_who(sso: SetUp, admin: Any) -> None:
    assert sso.come("ada").status_code == 303
    sso.change(issuer="https://other.example", secret="another")
    assert admin.execute("select count(*) from external_identities").fetchone() == (0,)


def test_groups_decide_the_role_at_each_sign_in(sso: SetUp, admin: Any) -> None:
    sso.change(group_roles=[["bosses", "manager"], ["sales", "agent"]], default_role=None)
    browser = client_of(sso.app, "acme")
    assert sso.come("ada", browser).status_code == 303
    assert sso.person(admin, "ada@idp.example")[1] == "agent"  # type: ignore[index]
    sso.provider.set_user("ada", groups=["sales", "bosses"])
    assert sso.come("ada").status_code == 303
    assert sso.person(admin, "ada@idp.example")[1] == "manager"  # type: ignore[index]
    assert "user.rights_changed" in [row[0] for row in admin.execute("select type from events").fetchall()]
    assert admin.execute("select count(*) from user_sessions where renew").fetchone() == (1,), "claim 24"
    sso.provider.set_user("ada", groups=[])
    failed(sso.come("ada"), "None of your groups")


def test_without_a_role_nobody_is_made(sso: SetUp, admin: Any) -> None:
    sso.change(group_roles=[["bosses", "manager"]], default_role=None)
    failed(sso.come("ada"), "None of your groups")
    assert sso.person(admin, "ada@idp.example") is None


def test_owners_keep_their_role(sso: SetUp, admin: Any) -> None:
    add_person(admin, "ada@idp.example", "owner")
    sso.change(group_roles=[["sales", "viewer"]])
    assert sso.come("ada").status_code == 303
    assert sso.person(admin, "ada@idp.example")[1] == "owner"  # type: ignore[index]


def test_disabled_people_stay_out(sso: SetUp, admin: Any, app_context: Flask, acme: Scope) -> None:
    assert sso.come("ada").status_code == 303
    admin.execute("update users set disabled_at = now() where email = 'ada@idp.example'")
    cache.bump(acme.tenant_id, "user")
    failed(sso.come("ada"), "disabled")


def test_refusing_at_the_provider_is_a_sentence(sso: SetUp) -> None:
    browser = client_of(sso.app, "acme")
    address = sso.provider.authorize(sso.start(browser), "ada", refuse=True)
    failed(browser.get(sso.back(address)), "did not sign in there")


def test_a_provider_that_is_away_is_a_sentence(sso: SetUp, app_context: Flask) -> None:
    sso.provider.stop()
    answer = client_of(sso.app, "acme").get(f"/sign-in/sso/{sso.id}/start")
    failed(answer, "could not be reached")


def test_new_keys_are_found(sso: SetUp) -> None:
    assert sso.come("ada").status_code == 303
    sso.provider.rotate_keys()
    assert sso.come("ada").status_code == 303


# What is not believed


def test_the_answer_counts_in_the_browser_that_asked(sso: SetUp) -> None:
    mine, other = client_of(sso.app, "acme"), client_of(sso.app, "acme")
    address = sso.back(sso.provider.authorize(sso.start(mine), "ada"))
    failed(other.get(address), "another browser")
    sso.start(other)
    failed(other.get(address), "another browser")
    assert other.get("/leads/").status_code == 303
    assert mine.get(address).status_code == 303, "the browser that asked can still come in"


def test_an_answer_counts_once(sso: SetUp) -> None:
    browser = client_of(sso.app, "acme")
    address = sso.back(sso.provider.authorize(sso.start(browser), "ada"))
    assert browser.get(address).status_code == 303
    failed(browser.get(address), "Start again")
    failed(client_of(sso.app, "acme").get(address))


def test_a_code_counts_once_even_under_a_new_state(sso: SetUp) -> None:
    browser = client_of(sso.app, "acme")
    first = sso.provider.authorize(sso.start(browser), "ada")
    assert browser.get(sso.back(first)).status_code == 303
    code = dict(parse_qsl(urlsplit(first).query))["code"]
    thief = client_of(sso.app, "acme")
    second = sso.provider.authorize(sso.start(thief), "ann")
    failed(thief.get(sso.back(second, code=code)), "did not accept")


def test_a_code_of_another_browser_is_refused(sso: SetUp) -> None:
    """PKCE: the verifier is the one of the browser that asked."""
    victim, thief = client_of(sso.app, "acme"), client_of(sso.app, "acme")
    code = dict(parse_qsl(urlsplit(sso.provider.authorize(sso.start(victim), "ada")).query))["code"]
    address = sso.provider.authorize(sso.start(thief), "ann")
    failed(thief.get(sso.back(address, code=code)), "did not accept")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ""},
        {"state": "x"},
        {"state": None},
        {"state": ""},
        {"code": "x"},
        {"code": ""},
        {"code": None},
        {"code": "x" * 5000},
        {"code": "\x00"},
    ],
    ids=str,
)
def test_altered_answers(sso: SetUp, changes: dict[str, str | None]) -> None:
    browser = client_of(sso.app, "acme")
    address = sso.provider.authorize(sso.start(browser), "ada")
    failed(browser.get(sso.back(address, **changes)))
    assert browser.get("/leads/").status_code == 303


def test_the_state_of_one_provider_is_none_of_another(
    sso: SetUp, inside: Callable[..., Any], acme: Scope, admin: Any
) -> None:
    with inside(acme):
        other = actions.create_provider(acme, sso.values(name="Other", issuer="https://other.example"), "secret")
    browser = client_of(sso.app, "acme")
    address = sso.back(sso.provider.authorize(sso.start(browser), "ada"))
    failed(browser.get(address.replace(str(sso.id), str(other))), "Start again")


def test_a_tenant_has_its_own_providers(sso: SetUp) -> None:
    stranger = client_of(sso.app, "globex")
    assert stranger.get(f"/sign-in/sso/{sso.id}/start").status_code == 404
    assert stranger.get(f"/sign-in/sso/{sso.id}/callback?state=x&code=y").status_code == 404


def test_what_waits_too_long_is_over(sso: SetUp, admin: Any) -> None:
    browser = client_of(sso.app, "acme")
    address = sso.back(sso.provider.authorize(sso.start(browser), "ada"))
    admin.execute("update challenges set expires_at = now() - interval '1 second'")
    failed(browser.get(address), "Start again")


def test_next_leads_nowhere_else(sso: SetUp) -> None:
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "/t/globex/leads"):
        assert sso.come("ada", next=evil).headers["Location"] in ("/t/acme/", "/t/acme")


def test_a_new_session_has_a_new_cookie(sso: SetUp) -> None:
    browser = client_of(sso.app, "acme")
    browser.get("/sign-in")
    before = browser.get_cookie("fairlead-acme", path="/t/acme")
    assert sso.come("ada", browser).status_code == 303
    after = browser.get_cookie("fairlead-acme", path="/t/acme")
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_the_secret_is_sealed_and_never_shown(sso: SetUp, owner: PageClient, admin: Any) -> None:
    secret = sso.provider.client_secret
    assert secret not in owner.get(f"/settings/single-sign-on/{sso.id}/edit").text
    row = admin.execute("select row_to_json(p)::text from identity_providers p").fetchone()[0]
    assert secret not in row
    events = admin.execute("select string_agg(data::text, '') from events").fetchone()[0]
    assert secret not in events


def test_a_second_factor_is_asked_unless_the_provider_asked_and_is_trusted(
    sso: SetUp, owner: PageClient, admin: Any, app_context: Flask
) -> None:
    admin.execute("update tenants set policy = '{\"second_factor_for\": [\"viewer\"]}' where slug = 'acme'")
    cache.bump(queries.GLOBAL, queries.TENANT_KIND)
    browser = client_of(sso.app, "acme")
    answer = sso.come("ada", browser)
    assert "/second-factor" in answer.headers["Location"] or "/sign-in/" in answer.headers["Location"]
    assert browser.get("/leads/").status_code == 303, "not in yet"


def test_signing_out_leads_to_the_provider_too(sso: SetUp) -> None:
    browser = client_of(sso.app, "acme")
    assert sso.come("ada", browser).status_code == 303
    answer = browser.submit("/sign-out")
    assert answer.status_code == 200
    to = answer.soup.find("meta", attrs={"http-equiv": "refresh"})["content"].partition("url=")[2]  # type: ignore[index, union-attr]
    assert to.startswith(f"{sso.provider.issuer}/session/end?")
    assert dict(parse_qsl(urlsplit(to).query))["post_logout_redirect_uri"] == "http://localhost/t/acme/sign-in"
    assert browser.get("/leads/").status_code == 303, "signed out here, whatever happens there"


def test_who_came_by_password_signs_out_here_only(sso: SetUp, as_role: Callable[..., PageClient]) -> None:
    assert as_role("agent").submit("/sign-out").status_code == 303
