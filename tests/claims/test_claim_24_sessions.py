"""Claim 24: sign-in, second factor and change of rights change the session id; sign-out, disabling and a new
password end sessions, and what was half way in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts import actions, queries
from app.core import cache
from app.core.scope import Scope
from tests.accounts.test_second_factor import AGENT, begin, cookie_of, set_up
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.servers import PASSWORD


def content_of(client: PageClient) -> dict[str, Any]:
    cookie = client.get_cookie("fairlead-acme", path="/t/acme")
    assert cookie is not None
    serializer = client.application.session_interface.get_signing_serializer(client.application)
    return serializer.loads(cookie.value)


def plant(client: PageClient, **more: Any) -> dict[str, Any]:
    """A cookie that an attacker fixed: signed by us, brought in from elsewhere."""
    client.get("/sign-in")
    planted = {**content_of(client), "planted": "by an attacker", **more}
    serializer = client.application.session_interface.get_signing_serializer(client.application)
    client.set_cookie("fairlead-acme", serializer.dumps(planted), path="/t/acme")
    client.token = None
    return planted


def test_claim_24_nothing_fixed_before_survives_the_password_or_the_second_factor(
    app: Any, as_role: Callable[..., PageClient]
) -> None:
    phone, _ = set_up(as_role("agent"))
    client = client_of(app, "acme")
    planted = plant(client)
    assert client.submit("/sign-in", AGENT).status_code == 303
    half_way = content_of(client)
    assert "planted" not in half_way
    assert half_way.get("csrf_token") != planted["csrf_token"]
    assert "_user_id" not in half_way
    client.token = None
    planted = {**content_of(client), "planted": "half way"}
    serializer = app.session_interface.get_signing_serializer(app)
    client.get("/sign-in/second-factor")
    client.set_cookie("fairlead-acme", serializer.dumps({**content_of(client), **planted}), path="/t/acme")
    client.token = None
    assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 303
    inside = content_of(client)
    assert "planted" not in inside
    assert "waiting" not in inside
    assert inside["_user_id"]


def test_claim_24_every_way_in_has_an_id_of_its_own(app: Any, as_role: Callable[..., PageClient], admin: Any) -> None:
    phone, codes = set_up(as_role("agent"))
    for typed in ({"code": phone.code()}, {"recovery_code": codes[0]}):
        client, _ = begin(app)
        assert client.submit("/sign-in/second-factor", typed).status_code == 303
    rows = admin.execute("select count(*), count(distinct token_hash), bool_and(second_factor) from user_sessions")
    assert rows.fetchone() == (3, 3, False)


def test_claim_24_a_change_of_rights_changes_it(
    as_role: Callable[..., PageClient], inside: Callable[..., Any], acme: Scope
) -> None:
    agent = as_role("agent")
    before = cookie_of(agent)
    with inside(acme):
        actions.ask_renewal(acme, queries.find_user_by_email("agent@acme.example").id)
    assert agent.get("/leads/").status_code == 200
    assert cookie_of(agent) != before


def test_claim_24_confirming_that_it_is_you_changes_it(as_role: Callable[..., PageClient]) -> None:
    agent = as_role("agent")
    before = cookie_of(agent)
    assert agent.submit("/account/confirm", {"password": PASSWORD}).status_code == 303
    assert agent.get("/account/security").status_code == 200
    assert cookie_of(agent) != before


@pytest.mark.parametrize("half_way", [False, True])
def test_claim_24_ending_all_sessions_ends_what_is_half_way_too(
    app: Any, as_role: Callable[..., PageClient], inside: Callable[..., Any], acme: Scope, half_way: bool
) -> None:
    """What disabling somebody and a new password do (`actions.end_sessions`)."""
    agent = as_role("agent")
    phone, _ = set_up(agent)
    client, _ = begin(app)
    if not half_way:
        assert client.submit("/sign-in/second-factor", {"code": phone.code()}).status_code == 303
    with inside(acme):
        actions.end_sessions(acme, queries.find_user_by_email("agent@acme.example").id)
    assert agent.get("/leads/").status_code == 303
    assert client.get("/leads/").status_code == 303
    if half_way:
        assert client.submit("/sign-in/second-factor", {"code": phone.code()}).location == "/t/acme/sign-in"


def test_claim_24_disabling_ends_them_at_the_next_request(
    as_role: Callable[..., PageClient], admin: Any, inside: Callable[..., Any], acme: Scope
) -> None:
    agent = as_role("agent")
    admin.execute("update users set disabled_at = now() where email = 'agent@acme.example'")
    with inside(acme):
        cache.bump(acme.tenant_id, "user")
    assert agent.get("/leads/").status_code == 303


def test_claim_24_a_password_changed_while_it_was_looked_at_signs_nobody_in(
    inside: Callable[..., Any], acme: Scope, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password is found right, and at that moment the new one is stored."""
    from app.accounts import passwords
    from app.core.clock import now
    from app.core.errors import Invalid

    really = passwords.verify

    def slow(stored: str | None, typed: str) -> bool:
        fits = really(stored, typed)
        admin.execute("update users set password_hash = 'another' where email = 'agent@acme.example'")
        return fits

    monkeypatch.setattr(passwords, "verify", slow)
    with inside(acme), pytest.raises(Invalid):
        actions.sign_in(queries.find_tenant("acme"), actions.Origin(), **AGENT, at=now())
    assert admin.execute("select count(*) from user_sessions").fetchone() == (0,)


def test_claim_24_signing_out_one_session_from_another(as_role: Callable[..., PageClient]) -> None:
    here, there, stranger = as_role("agent"), as_role("agent"), as_role("manager")
    page = here.get("/account/sessions")
    assert len(page.soup.select("[data-session]")) == 2
    (form,) = [form["action"] for form in page.soup.select("[data-session] form")]
    assert stranger.submit(form).status_code == 404
    assert there.get("/leads/").status_code == 200
    assert here.submit(form).status_code == 303
    assert there.get("/leads/").status_code == 303
    assert here.get("/leads/").status_code == 200
    again = as_role("agent")
    assert here.submit("/account/sessions/others/end").status_code == 303
    assert again.get("/leads/").status_code == 303
    assert here.get("/leads/").status_code == 200
