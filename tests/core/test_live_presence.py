"""Who is at a record: seen by those who may see it, and gone soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from app.core.live import presence
from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.streams import listening, tokens_of
from tests.support.world import World, unknown_id

Inside = Callable[..., Any]


@pytest.fixture
def world(acme: Scope, inside: Inside) -> World:
    return World(acme, inside, LEADS)


def say(client: PageClient, lead: object, state: str, tab: str = "tab1") -> int:
    return client.submit(f"/leads/{lead}/presence", {"state": state, "tab": tab}, check=False).status_code


def seen(client: PageClient, lead: object) -> list[str]:
    return client.fragment(f"/leads/{lead}/presence", target="presence").texts(".presence-person")


def test_others_see_who_looks_and_who_types(owner: PageClient, agent: PageClient, world: World) -> None:
    lead = world.add()
    assert say(agent, lead, "looking") == 204
    assert len(seen(owner, lead)) == 1
    assert "is looking at this too" in seen(owner, lead)[0]
    say(agent, lead, "reply")
    assert "is typing a reply…" in seen(owner, lead)[0]
    assert seen(agent, lead) == [], "oneself is not told"
    say(agent, lead, "left")
    assert seen(owner, lead) == []


def test_it_works_as_a_page_too(owner: PageClient, agent: PageClient, world: World) -> None:
    lead = world.add()
    say(agent, lead, "note")
    assert "is typing a note…" in owner.get(f"/leads/{lead}/presence").text_of(".presence-person")


def test_a_second_tab_stays_when_the_first_is_closed(owner: PageClient, agent: PageClient, world: World) -> None:
    lead = world.add()
    say(agent, lead, "looking", "tab1")
    say(agent, lead, "looking", "tab2")
    assert len(seen(owner, lead)) == 1
    say(agent, lead, "left", "tab1")
    assert len(seen(owner, lead)) == 1
    say(agent, lead, "left", "tab2")
    assert seen(owner, lead) == []


def test_those_who_vanish_are_forgotten_and_that_is_told(
    owner: PageClient, agent: PageClient, world: World, bell: redis.Redis
) -> None:
    lead = world.add()
    say(agent, lead, "looking")
    (key,) = bell.keys("presence:*")
    (place,) = bell.hkeys(key)
    long_ago = float(bell.hget(key, place).split()[0]) - presence.KEPT_SECONDS - 1  # type: ignore[union-attr]
    bell.hset(key, place, f"{long_ago} ")
    assert seen(owner, lead) == []
    assert 0 < bell.ttl(key) <= presence.KEPT_SECONDS
    say(owner, lead, "looking")
    with listening(owner, tokens_of(owner.get(f"/leads/{lead}"))) as stream:
        assert place not in bell.hkeys(key)
        say(agent, lead, "looking")
        assert stream.names() == [f"lead-presence:{lead}"]


def test_only_a_difference_is_told(owner: PageClient, agent: PageClient, world: World) -> None:
    lead = world.add()
    with listening(owner, tokens_of(owner.get(f"/leads/{lead}"))) as stream:
        for state in ("looking", "looking", "looking"):
            say(agent, lead, state)
        assert stream.names() == [f"lead-presence:{lead}"]
        position = stream.position
        say(agent, lead, "looking")
        say(agent, lead, "left")
        assert stream.names() == [f"lead-presence:{lead}"]
        assert stream.position > position


def test_a_record_out_of_reach_is_not_there(
    world: World, as_custom_role: Callable[..., PageClient], stranger: PageClient, owner: PageClient
) -> None:
    lead = world.add()
    nobody = as_custom_role({"lead:read"}, {"lead": ("own", "none")})
    for client in (nobody, stranger):
        assert say(client, lead, "looking") == 404
        assert client.get(f"/leads/{lead}/presence").status_code == 404
    assert say(owner, unknown_id(), "looking") == 404
    assert seen(owner, lead) == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"state": "dancing", "tab": "tab1"},
        {"state": "looking", "tab": "x y"},
        {"state": "looking", "tab": "x" * 99},
    ],
)
def test_what_is_said_wrongly_is_refused(owner: PageClient, world: World, form: dict[str, str]) -> None:
    answer = owner.submit(f"/leads/{world.add()}/presence", form, check=False)
    assert answer.status_code == 422


def test_a_viewer_is_seen_too_and_nobody_signed_out(
    viewer: PageClient, owner: PageClient, client: PageClient, world: World
) -> None:
    lead = world.add()
    assert say(viewer, lead, "looking") == 204
    assert len(seen(owner, lead)) == 1
    assert say(client, lead, "looking") == 303


def test_very_many_tabs_take_no_room(owner: PageClient, agent: PageClient, world: World, bell: redis.Redis) -> None:
    lead = world.add()
    for number in range(60):
        say(agent, lead, "looking", f"tab{number}")
    (key,) = bell.keys("presence:*")
    assert bell.hlen(key) <= 50
