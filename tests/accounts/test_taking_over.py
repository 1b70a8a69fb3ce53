"""Ways to more than one holds, or into an account one has lost or never had: each tried here was open once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pyotp
import pytest
from flask import Flask

from app.accounts import actions, queries
from app.accounts.actions import Origin, SignInOver, Waiting
from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.scope import Scope
from app.privacy.actions import ask_erasure
from tests.accounts.test_single_sign_on import SetUp, failed, sso  # noqa: F401 - a fixture
from tests.conftest import client_of
from tests.support import mailbox
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.servers import PASSWORD

NEW = "plover carnival 7 dusk anthem"
HERE = Origin("192.0.2.1", "A browser")
LEAD = {"lead:read", "lead:create"}
Mails = Callable[[], list[EmailMessage]]


def link_in(mail: EmailMessage) -> str:
    return "/t/acme/links/" + mailbox.links_in(mail)[0].rpartition("/")[2]


# Owners are the owners' business, also where an account is erased.
def test_an_admin_erases_no_owner(crowd: Crowd, inside: Any, acme: Scope, scope_in: Any) -> None:
    crowd.person("owner", email="second@acme.example")
    with pytest.raises(Forbidden), inside(acme):
        ask_erasure(scope_in("acme", "admin"), "second@acme.example", "second@acme.example")
    with inside(acme):
        ask_erasure(acme, "second@acme.example", "second@acme.example")


def test_who_knows_the_password_does_not_replace_the_factor_that_was_set_up_meanwhile(
    inside: Any, acme: Scope, admin: Any
) -> None:
    """Two sign-ins half way of somebody who has to set up a second factor: the first one's counts."""
    at = now()
    with inside(acme):
        found = queries.get_tenant(acme.tenant_id)
    tenant = replace(found, policy=replace(found.policy, second_factor_for=("agent",)))

    def come_in() -> str:
        with inside(acme):
            waiting = actions.sign_in(tenant, HERE, email="agent@acme.example", password=PASSWORD, at=at)
        assert isinstance(waiting, Waiting)
        return waiting.token

    def set_up(token: str) -> None:
        with inside(acme):
            secret = actions.find_required_secret(tenant, token, at)
            assert secret is not None
            actions.add_required(tenant, token, HERE, pyotp.TOTP(secret).at(at), at)

    thief, person = come_in(), come_in()
    set_up(person)
    before = admin.execute("select id from totp_secrets").fetchall()
    with pytest.raises(SignInOver):
        set_up(thief)
    assert admin.execute("select id from totp_secrets").fetchall() == before


def test_nobody_pulls_others_into_a_team_of_theirs_to_see_their_records(
    as_custom_role: Callable[..., PageClient], as_role: Callable[..., PageClient], crowd: Crowd
) -> None:
    """`team` sees who is in it: whom one does not see already, one does not add."""
    reach = dict.fromkeys(("lead", "ticket"), ("team", "team"))
    helper = as_custom_role({"user:manage", *LEAD}, reach, teams=["Mine"])
    role = crowd.role(LEAD, {"lead": ("own", "own")})
    victim, _ = crowd.person(role)
    mine, me = crowd.team("Mine"), str(helper.user_id)
    asked = {"name": "Mine", "members": [me, str(victim)], "version": "1"}
    assert helper.submit(f"/teams/{mine}", asked).status_code == 403
    assert helper.submit(f"/people/{victim}/teams", {"teams": [str(mine)]}).status_code == 403
    assert as_role("owner").submit(f"/teams/{mine}", asked).status_code == 303
    assert helper.submit(f"/teams/{mine}", {"name": "Mine", "members": [me], "version": "2"}).status_code == 303


def test_a_provider_that_an_admin_set_up_speaks_for_nobody_who_became_more_since(
    sso: SetUp,  # noqa: F811
    scope_in: Any,
    admin: Any,
    inside: Any,
    acme: Scope,
) -> None:
    sso.change(scope_in("acme", "admin"))
    assert sso.come("ada").status_code == 303
    (ada,) = admin.execute("select id from users where email = 'ada@idp.example'").fetchone()
    with inside(acme):
        actions.change_role(acme, ada, "owner")
    failed(sso.come("ada"), "more than whoever set up")
    sso.change(sso.owner)
    assert sso.come("ada").status_code == 303


@pytest.mark.parametrize("claims", [{"email": "a\x00b@idp.example"}, {"email": "a\r\nBcc: b@idp.example"}])
def test_an_address_of_a_provider_that_is_none_makes_nobody(
    sso: SetUp,  # noqa: F811
    admin: Any,
    claims: dict[str, str],
) -> None:
    sso.provider.set_user("ada", **claims, email_verified=True)
    failed(sso.come("ada"))
    assert admin.execute("select count(*) from users where name = 'Ada Lovelace'").fetchone() == (0,)


def test_a_new_password_ends_a_change_of_address_that_was_asked_for_with_the_old_one(
    as_role: Callable[..., PageClient], client: PageClient, sent_mails: Mails, admin: Any
) -> None:
    thief = as_role("agent")
    asked = thief.submit("/profile/address", {"email": "thief@evil.example", "current": PASSWORD})
    assert asked.status_code == 303
    confirm = link_in(next(mail for mail in sent_mails() if "thief@evil.example" in mail["To"]))
    person = as_role("agent")
    changed = person.submit("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW})
    assert changed.status_code == 303
    assert client.get(confirm).status_code == 410
    assert client.submit(confirm).status_code == 410
    assert admin.execute("select count(*) from users where email like 'thief%'").fetchone() == (0,)


def test_an_invitation_is_over_once_its_person_came_by_single_sign_on(
    sso: SetUp,  # noqa: F811
    owner: PageClient,
    client: PageClient,
    sent_mails: Mails,
    admin: Any,
) -> None:
    owner.submit("/people", {"addresses": "ada@idp.example", "role": "agent"})
    path = link_in(sent_mails()[-1])
    assert sso.come("ada").status_code == 303
    assert client.get(path).status_code == 410
    assert client.submit(path, {"name": "Mallory", "password": NEW}).status_code == 410
    assert admin.execute("select password_hash is null from users where email = 'ada@idp.example'").fetchone() == (
        True,
    )


def test_signing_out_with_the_token_of_a_moment_ago_ends_the_session(
    app: Flask, as_role: Callable[..., PageClient], crowd: Crowd, inside: Any, acme: Scope
) -> None:
    """Rights change while two requests are under way: one gets the new token, the other signs out with the old one."""
    browser, late = as_role("agent"), client_of(app, "acme")
    browser.get("/profile")
    cookie = browser.get_cookie("fairlead-acme", path="/t/acme")
    assert cookie is not None
    with inside(acme):
        actions.ask_renewal(acme, crowd.id_of("agent"))
    assert browser.get("/profile").status_code == 200
    late.set_cookie("fairlead-acme", cookie.value, path="/t/acme")
    assert late.post("/sign-out", data={"csrf_token": browser.csrf()}).status_code == 303
    assert browser.get("/profile").status_code == 303


@pytest.mark.parametrize("deep", ["[" * 15_000, '{"response": {"clientDataJSON": "' + "W1tb" * 4_000 + '"}}'])
def test_a_passkey_of_brackets_is_no_passkey(client: PageClient, deep: str) -> None:
    assert client.submit("/sign-in/passkeys", {"credential": deep}).status_code == 303


def test_a_providers_secret_does_not_follow_to_another_issuer(sso: SetUp, admin: Any) -> None:  # noqa: F811
    """Who may not read it could otherwise have it sent to a provider of their own."""
    before = admin.execute("select issuer, client_secret_sealed from identity_providers").fetchall()
    with pytest.raises(Invalid) as refused:
        sso.change(issuer=f"{sso.provider.issuer}/elsewhere")
    assert "client_secret" in refused.value.errors
    assert admin.execute("select issuer, client_secret_sealed from identity_providers").fetchall() == before


def test_a_program_whose_password_is_right_locks_nobody_out(inside: Any, acme: Scope) -> None:
    """Its owner has to set a second factor up, in a browser: that must go on working."""
    with inside(acme):
        found = queries.get_tenant(acme.tenant_id)
    tenant = replace(found, policy=replace(found.policy, second_factor_for=("agent",)))
    asked = {"email": "agent@acme.example", "password": PASSWORD}
    for _ in range(tenant.policy.lockout_tries + 1):
        with pytest.raises(Forbidden), inside(acme):
            actions.sign_in_program(tenant, HERE, **asked, at=now())
    with inside(acme):
        assert isinstance(actions.sign_in(tenant, HERE, **asked, at=now()), Waiting)


def test_a_role_called_administrator_hides_nobodys_rise(
    crowd: Crowd, inside: Any, acme: Scope, run_jobs: Callable[[], int], admin: Any
) -> None:
    person, _ = crowd.person(crowd.role(LEAD, {"lead": ("own", "own")}, name="Administrator"))
    with inside(acme):
        actions.change_role(acme, person, "admin")
    run_jobs()
    assert ("rights_raised",) in admin.execute("select rule from alerts").fetchall()
