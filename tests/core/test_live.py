"""The live stream: what is told, to whom, from where on, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask

from app.core import live
from app.core.live.hub import MOST_OF_A_SESSION
from app.core.live.telling import KEPT_ENTRIES, stream_key
from app.core.live.topics import signed
from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.streams import listening, live_path, tokens_of
from tests.support.world import World

Inside = Callable[..., Any]


@pytest.fixture
def world(acme: Scope, inside: Inside) -> World:
    return World(acme, inside, LEADS)


@pytest.fixture
def token(app: Flask) -> Callable[..., str]:
    """`token(scope, "lead")`, as a template would sign it."""

    def make(scope: Scope, *names: str) -> str:
        return signed(app.config["SECRET_KEY"], scope, names)

    return make


def test_a_list_hears_that_a_record_was_added(owner: PageClient, agent: PageClient, world: World) -> None:
    with listening(agent, tokens_of(agent.get("/leads/"))) as stream:
        owner.submit("/leads/", {"last_name": "Doe"})
        assert stream.names() == ["lead"]


def test_a_record_page_hears_of_its_record_only(owner: PageClient, agent: PageClient, world: World) -> None:
    mine, other = world.add(), world.add()
    with listening(agent, tokens_of(agent.get(f"/leads/{mine}"))) as stream:
        for lead in (other, mine):
            form = {"company": "Changed", "version": str(world.row(lead)["version"])}
            owner.submit(f"/leads/{lead}/fields/company", form)
        assert stream.names() == [f"lead:{mine}"]


def test_work_in_bulk_reaches_every_record_page(agent: PageClient, world: World, inside: Inside, acme: Scope) -> None:
    mine = world.add()
    with listening(agent, tokens_of(agent.get(f"/leads/{mine}"))) as stream:
        with inside(acme):
            live.tell(acme.tenant_id, *(f"lead:{UUID(int=number)}" for number in range(500)))
        assert stream.names() == [f"lead:{mine}"]


def test_one_transaction_is_one_entry(bell: redis.Redis, world: World, inside: Inside, acme: Scope) -> None:
    before = bell.xlen(stream_key(acme.tenant_id))
    with inside(acme):
        live.tell(acme.tenant_id, "lead", "lead:1")
        live.tell(acme.tenant_id, "lead:2")
    entries = bell.xrange(stream_key(acme.tenant_id))
    assert len(entries) == before + 1
    assert entries[-1][1] == {b"names": b"lead lead:1 lead:2"}


def test_what_is_rolled_back_is_not_told(bell: redis.Redis, inside: Inside, acme: Scope) -> None:
    with pytest.raises(ZeroDivisionError), inside(acme):
        live.tell(acme.tenant_id, "lead")
        raise ZeroDivisionError
    assert bell.xlen(stream_key(acme.tenant_id)) == 0


def test_the_page_that_hears_finds_the_new_table(owner: PageClient, agent: PageClient, world: World) -> None:
    """Told after the cache was turned over, in this order: the answer is never the old one."""
    page = agent.get("/leads/")
    with listening(agent, tokens_of(page)) as stream:
        for name in ("One", "Two", "Three"):
            owner.submit("/leads/", {"last_name": name})
            stream.names()
            assert name in agent.get("/leads/").texts(".cell-title")


def test_nothing_is_heard_that_no_page_has_shown(
    owner: PageClient,
    agent: PageClient,
    world: World,
    token: Callable[..., str],
    acme: Scope,
    scope_in: Callable[..., Scope],
) -> None:
    """Tokens are one person's: of somebody else, altered or made up they open nothing, and say to ask again."""
    mine = scope_in("acme", "agent")
    lead = world.add()
    theirs = token(acme, f"lead:{lead}")
    altered = token(mine, "lead-views").replace("lead-views", "lead")
    with listening(agent, [theirs, altered, "lead.x", "", token(mine, "other")]) as stream:
        told = stream.next()
        assert told is not None
        assert told.event == "missed"
        owner.submit("/leads/", {"last_name": "Doe"})
        live_tell(world, "other")
        assert stream.names() == ["other"]


def test_a_foreign_tenants_token_is_none(
    stranger: PageClient, world: World, globex: Scope, token: Callable[..., str]
) -> None:
    lead = world.add()
    with listening(stranger, [token(world.scope, f"lead:{lead}"), token(globex, "other")]) as stream:
        assert stream.next().event == "missed"
        live_tell(world, f"lead:{lead}", "other")
        with world.inside(globex):
            live.tell(globex.tenant_id, "other")
        assert stream.names() == ["other"]


def test_what_is_told_to_one_person_is_heard_by_them(
    owner: PageClient,
    agent: PageClient,
    world: World,
    token: Callable[..., str],
    acme: Scope,
    scope_in: Callable[..., Scope],
) -> None:
    theirs, mine = scope_in("acme", "agent"), acme
    with (
        listening(agent, [token(theirs, "@notices", "other")]) as agents,
        listening(owner, [token(mine, "@notices", "other")]) as owners,
    ):
        live_tell(world, live.of_person("notices", theirs.user_id or ""))
        assert agents.names() == [f"notices@{theirs.user_id}"]
        live_tell(world, "other")
        assert owners.names() == ["other"]


def test_what_was_told_while_the_page_was_on_its_way(
    agent: PageClient, world: World, token: Callable[..., str], scope_in: Callable[..., Scope]
) -> None:
    live_tell(world, "lead")
    tokens = [token(scope_in("acme", "agent"), "lead")]
    with listening(agent, tokens, age="60000") as stream:
        told = stream.next()
        # The stream is younger than the page, so that cannot be known for sure; later it can.
        assert told is not None
        assert told.event in ("missed", "changed")
    with listening(agent, tokens, age="0") as stream:
        live_tell(world, "lead")
        assert stream.names() == ["lead"]


@pytest.mark.parametrize("how", ["header", "query"])
def test_it_goes_on_where_it_stopped(
    agent: PageClient, world: World, token: Callable[..., str], scope_in: Callable[..., Scope], how: str
) -> None:
    tokens = [token(scope_in("acme", "agent"), "lead", "lead:1")]
    with listening(agent, tokens) as stream:
        live_tell(world, "lead")
        stream.names()
        position = stream.position
    live_tell(world, "lead:1", "team")
    resumed = {"headers": {"Last-Event-ID": position}} if how == "header" else {"since": position}
    with listening(agent, tokens, **resumed) as stream:
        assert stream.names() == ["lead:1"]
        live_tell(world, "lead")
        assert stream.names() == ["lead"]


def test_too_old_a_position_makes_everything_be_asked_for(
    agent: PageClient, world: World, token: Callable[..., str], bell: redis.Redis, scope_in: Callable[..., Scope]
) -> None:
    tokens = [token(scope_in("acme", "agent"), "lead")]
    with listening(agent, tokens) as stream:
        position = stream.position
    key = stream_key(world.scope.tenant_id)
    live_tell(world, "other")
    bell.xtrim(key, maxlen=1, approximate=False)
    run = position.partition(".")[0]
    for since in (position, "00000000.0-0", f"{run}.5-0", "nonsense", "1" * 40):
        with listening(agent, tokens, since=since) as stream:
            assert stream.next().event == "missed", since


def test_a_redis_that_forgot_everything_makes_everything_be_asked_for(
    agent: PageClient, world: World, token: Callable[..., str], bell: redis.Redis, scope_in: Callable[..., Scope]
) -> None:
    tokens = [token(scope_in("acme", "agent"), "lead")]
    with listening(agent, tokens) as stream:
        position = stream.position
    bell.flushdb()
    with listening(agent, tokens, since=position) as stream:
        assert stream.next().event == "missed"


def test_the_stream_in_redis_stays_short(bell: redis.Redis, world: World) -> None:
    for _ in range(30):
        with world.inside(world.scope):
            for _ in range(100):
                live.tell_at_once(world.scope.tenant_id, "lead")
    assert bell.xlen(stream_key(world.scope.tenant_id)) <= KEPT_ENTRIES + 200


def test_many_streams_of_a_session_make_way(
    agent: PageClient, world: World, token: Callable[..., str], scope_in: Callable[..., Scope]
) -> None:
    tokens = [token(scope_in("acme", "agent"), "lead")]
    answers = [agent.get(live_path(tokens)) for _ in range(MOST_OF_A_SESSION + 1)]
    try:
        first = b"".join(answers[0].response)
        assert b"event: end" not in first
        with listening(agent, tokens) as stream:
            live_tell(world, "lead")
            assert stream.names() == ["lead"]
    finally:
        for answer in answers:
            answer.close()


def test_several_parts_in_one_answer(agent: PageClient, world: World) -> None:
    """Only blocks that the page declares, and only for a page that asks by itself."""
    lead = world.add(last_name="Doe")
    parts = {"Fairlead-Parts": "record_title timeline_items dialog content"}
    answer = agent.fragment(f"/leads/{lead}", target="record_title", headers=parts | {"Fairlead-Live": "1"})
    assert [part["hx-target"] for part in answer.soup.find_all("hx-partial")] == ["#record_title", "#timeline_items"]
    assert answer.text_of("#record_title") == "Doe"
    alone = agent.fragment(f"/leads/{lead}", target="record_title", headers=parts)
    assert not alone.soup.find_all("hx-partial")
    assert not agent.get(f"/leads/{lead}", headers=parts | {"Fairlead-Live": "1"}).soup.find_all("hx-partial")


def test_a_toast_waits_for_somebody_who_waits_for_it(owner: PageClient, world: World) -> None:
    lead = world.add()
    owner.submit(f"/leads/{lead}/edit", {"last_name": "Doe", "version": "1"})
    asked_by_itself = owner.fragment("/leads/", target="records", headers={"Fairlead-Live": "1"})
    assert not asked_by_itself.toasts
    assert owner.get(f"/leads/{lead}").toasts == ["Saved."]


def test_it_needs_somebody_signed_in(client: PageClient) -> None:
    answer = client.get("/live?on=lead.x")
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]


def test_the_answer_is_kept_by_nobody(agent: PageClient) -> None:
    answer = agent.get("/live")
    answer.close()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert agent.open("/live", method="HEAD").status_code == 200


def test_too_many_are_refused_with_a_time(app: Flask, agent: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(
        app.extensions, "fairlead.settings", replace(app.extensions["fairlead.settings"], live_streams=0)
    )
    answer = agent.get("/live")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize(
    "query", ["on=" + "x" * 500, "age=-5", "age=nonsense", "since=%00", "on=%F0%9F%92%A9.x&since=5"]
)
def test_bad_input_opens_a_stream_that_hears_nothing(agent: PageClient, query: str) -> None:
    answer = agent.get(f"/live?{query}")
    assert answer.status_code == 200
    answer.close()


def test_a_name_is_written_as_names_are(app: Flask, acme: Scope, token: Callable[..., str]) -> None:
    for name in ("", "Lead", "lead lead", "lead:*", "lead\n", "@", "lead:" + "x" * 100):
        with pytest.raises(ValueError, match="live name"):
            token(acme, name)


def live_tell(world: World, *names: str) -> None:
    with world.inside(world.scope):
        live.tell(world.scope.tenant_id, *names)
