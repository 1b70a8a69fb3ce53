"""The page of one's own API tokens, and what administrators see of others'."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.clock import now
from tests.support.programs import personal_token, program_of

NEW = "/account/tokens"
FORM = {"name": "Sync", "scopes": ["lead:read", "lead:create"], "expires": "30"}


def test_a_token_is_made_shown_once_and_works(app, agent):
    assert "No tokens" in agent.get(NEW).text
    made = agent.submit(NEW, FORM)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    token = made.text_of("#new_token")
    me = program_of(app, bearer=token).get("/api/auth/me").json
    assert me["permissions"] == ["lead:create", "lead:read"]
    page = agent.get(NEW)
    assert token not in page.text
    assert token[-4:] in page.text_of("[data-token]")
    assert "Sync" in page.text_of("[data-token]")


def test_only_what_one_holds_is_offered_and_taken(agent):
    page = agent.get("/account/tokens/new")
    offered = {box["value"] for box in page.soup.select("input[name=scopes]")}
    assert "lead:read" in offered
    assert not {"user:manage", "lead:import"} & offered
    answer = agent.submit(NEW, {**FORM, "scopes": ["user:manage"]})
    assert answer.status_code == 422
    assert "no more than you can" in answer.problems[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expires": "1000000"}, "expires"),
        ({"expires": "date", "until": ""}, "expires"),
        ({"expires": "date", "until": "2020-01-01"}, "expires"),
        ({"expires": "date", "until": "2999-01-01"}, "expires"),
        ({"expires": "date", "until": "99999-99-99"}, "expires"),
        ({"expires": "date", "until": "9999-12-31"}, "expires"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_and_nothing_is_lost(agent, admin, changes, field):
    answer = agent.submit(NEW, {**FORM, **changes})
    assert answer.status_code == 422
    assert answer.problems
    ticked = {box["value"] for box in answer.soup.select("input[name=scopes][checked]")}
    assert ticked == set(changes.get("scopes", FORM["scopes"]))
    assert admin.execute("select count(*) from api_tokens").fetchone() == (0,)


def test_a_day_ends_where_the_person_is(agent, admin):
    day = (now() + timedelta(days=10)).date()
    admin.execute("update users set zone = 'America/New_York' where email = 'agent@acme.example'")
    assert agent.submit(NEW, {**FORM, "expires": "date", "until": day.isoformat()}).status_code == 200
    (ends,) = admin.execute("select expires_at from api_tokens").fetchone()
    assert timedelta(days=9) < ends - now() < timedelta(days=12)


def test_revoking_ends_it_at_once(app, agent):
    token = agent.submit(NEW, FORM).text_of("#new_token")
    action = agent.get(NEW).soup.select_one("[data-token] form")["action"]
    assert agent.post(action.removeprefix("/t/acme"), data={"csrf_token": agent.csrf()}).status_code == 303
    assert program_of(app, bearer=token).get("/api/auth/me").status_code == 401
    assert agent.submit(action.removeprefix("/t/acme")).status_code == 404


def test_anothers_token_is_none(agent, viewer, admin):
    viewer.submit(NEW, {**FORM, "scopes": ["lead:read"]})
    (token_id,) = admin.execute("select id from api_tokens").fetchone()
    assert agent.submit(f"/account/tokens/{token_id}/revoke").status_code == 404
    assert admin.execute("select count(*) from api_tokens where revoked_at is null").fetchone() == (1,)


def test_administrators_see_and_revoke_others(app, owner, agent, scope_in):
    token = agent.submit(NEW, FORM).text_of("#new_token")
    person = scope_in("acme", "agent").user_id
    page = owner.get(f"/people/{person}")
    action = page.soup.select_one("#tokens-card form")["action"].removeprefix("/t/acme")
    assert token not in page.text
    assert agent.submit(action).status_code == 403
    assert owner.submit(action).status_code == 303
    assert program_of(app, bearer=token).get("/api/auth/me").status_code == 401


def test_disabling_ends_them_for_good(app, owner, inside, scope_in):
    agent = scope_in("acme", "agent")
    program = program_of(app, bearer=personal_token(inside, agent))
    for step in ("disable", "enable"):
        assert owner.submit(f"/people/{agent.user_id}/{step}").status_code == 303
        assert program.get("/api/auth/me").status_code == 401, step


def test_making_one_asks_who_it_is_after_a_while(agent, admin, app_context):
    from app.core import cache

    admin.execute("update user_sessions set proved_at = proved_at - interval '1 hour'")
    cache.forget_everything()
    (tenant,) = admin.execute("select id from tenants where slug = 'acme'").fetchone()
    cache.bump(tenant, "session")
    for answer in (agent.get("/account/tokens/new"), agent.submit(NEW, FORM)):
        assert answer.status_code == 303
        assert "/account/confirm" in answer.headers["Location"]
    assert admin.execute("select count(*) from api_tokens").fetchone() == (0,)
