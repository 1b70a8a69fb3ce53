"""Automatic assignment at work: new tickets, many at once, what waits and is given out, availability, telling."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.records import actions as records
from app.core.scope import Scope
from app.extensions import db
from app.notifications.models import Notice
from app.tickets.actions import assigning
from app.tickets.actions.desk import change_desk
from app.tickets.definition import TICKETS
from app.tickets.queries import agents
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.world import World


class TestAgents(Battery):
    path = "/settings/agents"
    role = "manager"


class TestAgent(Battery):
    path = "/settings/agents/{agent_id}"
    method = "POST"
    form = {"available": "no"}  # noqa: RUF012
    role = "manager"
    as_page = 303
    invalid = {"capacity": "many"}  # noqa: RUF012

    def ids(self, world: World) -> dict[str, Any]:
        return {"agent_id": Crowd(world.scope, world.inside).id_of("agent")}


class TestAvailability(Battery):
    path = "/account/availability"


class TestSetAvailability(Battery):
    path = "/account/availability"
    method = "POST"
    form = {"available": "no"}  # noqa: RUF012
    as_page = 303


class TestTake(Battery):
    path = "/tickets/{id}/take"
    method = "POST"
    form = {"version": 0}  # noqa: RUF012
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.add(subject="Help")}


@pytest.fixture
def automatic(world: World) -> Callable[..., None]:
    def set_up(way: str = "round_robin", capacity: int = 20) -> None:
        with world.inside(world.scope):
            change_desk(world.scope, 0, {"assignment": way, "capacity": capacity})

    return set_up


@pytest.fixture
def people(crowd: Crowd) -> list[UUID]:
    """Three further agents; with acme's own there are four who are available."""
    role = crowd.role(["ticket:read", "ticket:update"], {"ticket": ("all", "all")})
    return [crowd.id_of("agent"), *(crowd.person(role)[0] for _ in range(3))]


def owners(world: World) -> Counter[UUID | None]:
    return Counter(row["owner_id"] for row in world.rows())


def drain(world: World) -> int:
    with world.inside(world.scope):
        return assigning.drain(world.scope)


def test_by_hand_nothing_is_given(world: World, people: list[UUID]) -> None:
    world.add(subject="Help")
    assert drain(world) == 0
    assert owners(world) == {None: 1}


def test_in_turn_everybody_gets_as_many(world: World, automatic: Callable[..., None], people: list[UUID]) -> None:
    automatic()
    world.add_many([{"subject": f"Help {number}"} for number in range(10)])
    assert set(owners(world)) == set(people)
    assert max(owners(world).values()) - min(owners(world).values()) <= 1


def test_whoever_runs_the_desk_is_away_until_they_say_otherwise(
    world: World, automatic: Callable[..., None], crowd: Crowd, owner: PageClient
) -> None:
    automatic()
    world.add(subject="Help")
    assert set(owners(world)) == {crowd.id_of("agent")}
    owner.submit("/account/availability", {"available": "yes"})
    world.add(subject="Help again")
    assert set(owners(world)) == {crowd.id_of("agent"), crowd.id_of("owner")}


def test_fifty_at_once_keep_capacity_and_turns(
    world: World, inside: Callable[..., Any], automatic: Callable[..., None], people: list[UUID], acme: Scope,
    run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    """Eight threads make fifty tickets; four people can have ten each: forty are given, ten wait. Whoever makes a
    ticket waits for nobody; the worker gives out the rest."""
    automatic(capacity=10)
    failures: list[BaseException] = []

    def work(mine: range) -> None:
        try:
            for number in mine:
                with inside(acme):
                    records.create_record(world.scope, TICKETS, {"subject": f"Help {number}"})
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(range(start, 50, 8),)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert max((count for owner, count in owners(world).items() if owner), default=0) <= 10
    run_jobs()
    assert owners(world) == dict.fromkeys(people, 10) | {None: 10}


def test_what_waits_is_given_out_oldest_first_as_hands_become_free(
    world: World, automatic: Callable[..., None], crowd: Crowd, run_jobs: Callable[[], int]
) -> None:
    automatic(capacity=1)
    first, second, third = world.add_many([{"subject": name} for name in ("first", "second", "third")])
    agent = crowd.id_of("agent")
    assert [world.row(one)["owner_id"] for one in (first, second, third)] == [agent, None, None]
    world.move(first, "resolved")
    run_jobs()
    assert [world.row(one)["owner_id"] for one in (second, third)] == [agent, None]
    world.delete(second)
    run_jobs()
    assert world.row(third)["owner_id"] == agent


def test_coming_back_and_more_room_give_out_what_waits(
    world: World, automatic: Callable[..., None], agent: PageClient, manager_client: PageClient,
    crowd: Crowd, run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    automatic(capacity=1)
    agent.submit("/account/availability", {"available": "no"})
    one, two = world.add_many([{"subject": "one"}, {"subject": "two"}])
    assert owners(world) == {None: 2}
    agent.submit("/account/availability", {"available": "yes"})
    run_jobs()
    assert (world.row(one)["owner_id"], world.row(two)["owner_id"]) == (crowd.id_of("agent"), None)
    manager_client.submit(f"/settings/agents/{crowd.id_of('agent')}", {"capacity": "5"})
    run_jobs()
    assert world.row(two)["owner_id"] == crowd.id_of("agent")


def test_a_team_s_ticket_goes_to_the_team(
    world: World, automatic: Callable[..., None], crowd: Crowd, people: list[UUID]
) -> None:
    automatic()
    team = crowd.team("Second line", people[2:])
    with world.inside(world.scope):
        for number in range(6):
            records.create_record(world.scope, TICKETS, {"subject": f"Help {number}", "team_id": team})
    assert owners(world) == dict.fromkeys(people[2:], 3)


def test_a_reopened_ticket_of_nobodys_is_given_out(world: World, automatic: Callable[..., None], crowd: Crowd) -> None:
    ticket = world.add(subject="Help")
    world.move(ticket, "resolved")
    automatic()
    world.move(ticket, "open")
    assert world.row(ticket)["owner_id"] == crowd.id_of("agent")


def test_giving_out_twice_gives_nothing_twice(world: World, automatic: Callable[..., None], crowd: Crowd) -> None:
    world.add_many([{"subject": "one"}, {"subject": "two"}])
    automatic()
    assert (drain(world), drain(world)) == (2, 0)
    assert owners(world) == {crowd.id_of("agent"): 2}


def test_the_assignee_is_told_once_and_of_many_in_few(
    world: World, crowd: Crowd, inside: Callable[..., Any], acme: Scope
) -> None:
    agent = crowd.id_of("agent")
    one = world.add(subject="Printer on fire")
    world.change(one, owner_id=agent)
    many = world.add_many([{"subject": f"Help {number}"} for number in range(9)])
    with inside(acme):
        records.bulk_update(world.scope, TICKETS, many, {"owner_id": agent})
    with inside(acme):
        told = list(db.session.scalars(select(Notice.subject).where(Notice.user_id == agent).order_by(Notice.id)))
    number = world.row(one)["number"]
    assert told[0] == f"You were given #{number} Printer on fire"
    assert len(told) == 1 + 3 + 1
    assert told[-1] == "You were given more tickets"


def test_taking_one_by_hand(agent: PageClient, world: World, crowd: Crowd) -> None:
    ticket = world.add(subject="Help")
    page = agent.get(f"/tickets/{ticket}")
    assert page.soup.select_one("[data-shortcut=a]") is not None
    answer = agent.submit(f"/tickets/{ticket}/take", {"version": "1"})
    assert answer.status_code == 303
    assert world.row(ticket)["owner_id"] == crowd.id_of("agent")
    assert agent.get(f"/tickets/{ticket}").soup.select_one("[data-shortcut=a]") is None


def test_taking_what_somebody_took_says_who(agent: PageClient, world: World, crowd: Crowd) -> None:
    ticket = world.add(subject="Help")
    world.change(ticket, owner_id=crowd.id_of("manager"))
    agent.submit(f"/tickets/{ticket}/take", {"version": "1"})
    assert "before you" in agent.get(f"/tickets/{ticket}").text
    assert world.row(ticket)["owner_id"] == crowd.id_of("manager")


def test_the_page_of_agents_shows_what_each_has(manager_client: PageClient, world: World, crowd: Crowd) -> None:
    ticket = world.add(subject="Help")
    world.change(ticket, owner_id=crowd.id_of("agent"))
    page = manager_client.get("/settings/agents")
    assert "1 of 20" in page.text
    link = page.soup.find("a", string="1 of 20")
    assert link is not None
    assert len(manager_client.get(str(link["href"])).texts("#record_rows [data-row-link]")) == 1


@pytest.mark.parametrize("capacity", ["0", "-1", "1001", "2.5", "many", "9" * 40, "٣"])
def test_a_capacity_that_is_none_is_refused_and_kept(
    manager_client: PageClient, world: World, crowd: Crowd, capacity: str
) -> None:
    answer = manager_client.submit(f"/settings/agents/{crowd.id_of('agent')}", {"capacity": capacity})
    assert answer.status_code == 422
    assert f'value="{capacity}"' in answer.text


def test_an_empty_capacity_is_the_desks(manager_client: PageClient, world: World, crowd: Crowd) -> None:
    agent = crowd.id_of("agent")
    manager_client.submit(f"/settings/agents/{agent}", {"capacity": "3"})
    manager_client.submit(f"/settings/agents/{agent}", {"capacity": ""})
    with world.inside(world.scope):
        assert agents.get_agent(world.scope, agent).capacity == 20


def test_a_viewer_is_no_agent(manager_client: PageClient, crowd: Crowd) -> None:
    viewer = crowd.id_of("viewer")
    assert manager_client.submit(f"/settings/agents/{viewer}", {"available": "yes"}).status_code == 404


@pytest.fixture
def manager_client(as_role: Callable[..., PageClient]) -> PageClient:
    return as_role("manager")


def test_what_nobody_can_take_keeps_no_other_from_its_turn(
    world: World, automatic: Callable[..., None], crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team without anybody has more tickets waiting than are looked at at once."""
    team = crowd.team("Nobody's", [])
    monkeypatch.setattr(assigning, "_AT_ONCE", 2)
    with world.inside(world.scope):
        for _ in range(3):
            records.create_record(world.scope, TICKETS, {"subject": "Stuck", "team_id": team})
    waits = world.add(subject="Help")
    automatic()
    assert drain(world) == 1
    assert world.row(waits)["owner_id"] == crowd.id_of("agent")


def test_a_new_ticket_does_not_go_before_one_that_waits_longer(
    world: World, automatic: Callable[..., None], crowd: Crowd, run_jobs: Callable[[], int]
) -> None:
    automatic(capacity=1)
    first, second = world.add_many([{"subject": name} for name in ("first", "second")])
    world.move(first, "resolved")
    third = world.add(subject="third")
    assert world.row(third)["owner_id"] is None
    run_jobs()
    assert [world.row(one)["owner_id"] for one in (second, third)] == [crowd.id_of("agent"), None]
