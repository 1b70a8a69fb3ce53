"""When a stream ends: the session does, rights change, the organisation is suspended, Redis goes, the server stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app.accounts import actions, gate
from app.accounts.queries import find_user_by_email
from app.core import db as database
from app.core import live
from app.core.clock import now
from app.core.live.hub import Hub
from app.core.live.topics import signed
from app.core.scope import Scope, tenant_context
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.streams import Told, listening, tokens_of
from tests.support.world import World

Inside = Callable[..., Any]


@pytest.fixture
def world(acme: Scope, inside: Inside) -> World:
    return World(acme, inside, LEADS)


def ended(told: Told | None) -> bool:
    return told is not None and told.event == "end"


def id_of(world: World, role: str) -> UUID:
    with world.inside(world.scope):
        found = find_user_by_email(f"{role}@acme.example")
        assert found is not None
        return found.id


def test_signing_out_ends_the_streams_of_the_session(agent: PageClient, world: World) -> None:
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        agent.submit("/sign-out")
        assert ended(stream.next())
        assert stream.next() is None


def test_somebody_elses_sign_out_ends_nothing(agent: PageClient, owner: PageClient, world: World) -> None:
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        owner.submit("/sign-out")
        world.add()
        with world.inside(world.scope):
            live.tell(world.scope.tenant_id, "lead")
        assert stream.names() == ["lead"]


def test_disabling_somebody_ends_their_streams(agent: PageClient, world: World) -> None:
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        with world.inside(world.scope):
            actions.disable_user(world.scope, id_of(world, "agent"))
        assert ended(stream.next())


def test_other_rights_end_the_stream_and_what_was_signed(agent: PageClient, world: World) -> None:
    tokens = tokens_of(agent.get("/leads/"))
    with listening(agent, tokens) as stream:
        with world.inside(world.scope):
            actions.change_role(world.scope, id_of(world, "agent"), "viewer")
        assert ended(stream.next())
    with listening(agent, tokens) as stream:
        assert stream.next().event == "missed"
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        with world.inside(world.scope):
            live.tell(world.scope.tenant_id, "lead")
        assert stream.names() == ["lead"]


def test_suspension_ends_every_stream_of_the_organisation(
    agent: PageClient, world: World, admin: psycopg.Connection[Any], app: Flask
) -> None:
    from app.accounts.queries import GLOBAL, TENANT_KIND
    from app.core import cache

    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        admin.execute("update tenants set suspended_at = now() where slug = 'acme'")
        with app.app_context():
            cache.bump(GLOBAL, TENANT_KIND)
            live.tell_at_once(world.scope.tenant_id, TENANT_KIND)
        assert ended(stream.next())


def test_a_stop_of_the_server_ends_them_all(app: Flask, agent: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hub: Hub = app.extensions["fairlead.live"]
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        monkeypatch.setattr(hub, "stopping", lambda: True)
        assert stream.next() is None


def test_a_stream_holds_nothing_once_it_is_closed(app: Flask, agent: PageClient) -> None:
    hub: Hub = app.extensions["fairlead.live"]
    # Other tests ask for every address there is, and leave streams behind.
    before, sessions = hub.open_streams, set(hub._sessions)
    with listening(agent, tokens_of(agent.get("/leads/"))):
        assert hub.open_streams == before + 1
    assert hub.open_streams == before
    assert set(hub._sessions) == sessions


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(
    agent: PageClient, world: World, admin: psycopg.Connection[Any], app: Flask
) -> None:
    """An open page on a busy day refreshes itself all the time; the session still ends when nobody uses it."""
    admin.execute("update user_sessions set last_seen_at = now() - interval '20 minutes'")
    before = admin.execute("select max(last_seen_at) from user_sessions").fetchone()
    forget(app)
    tokens = tokens_of(agent.fragment("/leads/", target="records", headers={"Fairlead-Live": "1"}))
    with listening(agent, tokens):
        assert admin.execute("select max(last_seen_at) from user_sessions").fetchone() == before
    agent.get("/leads/")
    assert admin.execute("select max(last_seen_at) from user_sessions").fetchone() != before


def test_using_the_session_in_another_tab_keeps_this_one(
    agent: PageClient, world: World, admin: psycopg.Connection[Any], app: Flask
) -> None:
    """What is kept for pages that ask by themselves knows nothing of a use since; it is read anew before it ends."""
    token = session_token(app, agent)
    # Within one of the five minutes that an answer is kept for.
    at = datetime.fromtimestamp(now().timestamp() // 300 * 300 + 100, UTC)
    late = at + timedelta(seconds=2)
    with app.app_context(), tenant_context(world.scope.tenant_id):
        tenant = gate.queries.find_tenant("acme")
        assert tenant is not None
        admin.execute("update user_sessions set last_seen_at = %s", (late - tenant.policy.idle,))
        assert gate._living(tenant, token, at, used=False)
        assert gate._living(tenant, token, late, used=False) is None
        admin.execute("update user_sessions set last_seen_at = %s", (at,))
        assert gate._living(tenant, token, late, used=False)
        database.rollback()


def test_an_idle_session_ends_its_streams(
    app: Flask, agent: PageClient, world: World, admin: psycopg.Connection[Any]
) -> None:
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        admin.execute("update user_sessions set last_seen_at = now() - interval '30 days'")
        forget(app)
        with world.inside(world.scope):
            live.tell(world.scope.tenant_id, f"user:{id_of(world, 'agent')}")
        assert ended(stream.next())


def forget(app: Flask) -> None:
    from app.accounts.queries.identities import IDENTITY_KINDS
    from app.core import cache

    with app.app_context():
        info = gate.queries.find_tenant("acme")
        assert info is not None
        cache.bump(info.id, IDENTITY_KINDS[0])


def session_token(app: Flask, client: PageClient) -> str:
    cookie = client.get_cookie("fairlead-acme", path="/t/acme")
    assert cookie is not None
    interface = SecureCookieSessionInterface()
    serializer = interface.get_signing_serializer(app)
    assert serializer is not None
    return str(serializer.loads(cookie.value)["_user_id"])


def test_signatures_last_a_day_or_two(app: Flask, acme: Scope) -> None:
    from dataclasses import replace

    from app.core.live.topics import heard

    secret = app.config["SECRET_KEY"]
    token = signed(secret, acme, ["lead"])
    for days, holds in ((0, True), (1, True), (2, False), (-1, False)):
        later = replace(acme, now=acme.now + timedelta(days=days))
        assert heard(secret, later, [token]) == (frozenset({"lead"} if holds else ()), holds)
