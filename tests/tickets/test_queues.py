"""The views of the desk: what is in them, their counts, and which ticket is next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Scope
from app.tickets import queues
from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.people import Crowd
from tests.support.world import NOWHERE, World


class TestBoard(Battery):
    path = "/tickets/board"
    target = "board"
    viewer_may = True


class TestQueues(Battery):
    path = "/tickets/queues?queue=mine"
    target = "queues"
    viewer_may = True


class TestNext(Battery):
    path = "/tickets/next?queue=open"
    as_page = 303
    viewer_may = True


class TestPlace(Battery):
    path = "/tickets/{id}/place"
    method = "POST"
    form = {"to": "open", "version": 0}  # noqa: RUF012
    target = "dialog"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.add(subject="Help")}


def titles(page: PageResponse) -> list[str]:
    return [text.partition(" ")[2] for text in page.texts("#record_rows [data-row-link]")]


def counts(page: PageResponse) -> dict[str, str]:
    found = {}
    for tab in page.soup.select("#queues .tab"):
        number = tab.select_one(".tab-count")
        found[tab.select_one(".tab-label").get_text()] = number.get_text() if number else ""
    return found


@pytest.fixture
def desk(world: World, crowd: Crowd, admin: Any) -> dict[str, UUID]:
    """Tickets by subject: the agent's, the owner's and nobody's, due at different times."""
    agent, owner = str(crowd.id_of("agent")), str(crowd.id_of("owner"))
    now = world.scope.now
    made = {}
    for subject, who, status, minutes, state in (
        ("late", agent, "open", -30, "breached"),
        ("soon", agent, "open", 20, "due_soon"),
        ("later", agent, "pending", 600, "running"),
        ("done", agent, "resolved", None, "met"),
        ("other", owner, "open", 40, "due_soon"),
        ("free", None, "new", 60, "running"),
    ):
        made[subject] = world.add(subject=subject)
        due = now + timedelta(minutes=minutes) if minutes is not None else None
        order = int(due.timestamp() * 1_000_000) if due else 2**62
        admin.execute(
            "update tickets set owner_id = %s, status = %s, sla_state = %s, due_at = %s, due_order = %s, "
            "first_response_due_at = %s where id = %s",
            (who, status, state, due, order, due, made[subject]),
        )
    return made


def test_each_view_holds_what_it_says_by_what_is_due_first(agent: PageClient, desk: dict[str, UUID]) -> None:
    assert titles(agent.get("/tickets/?queue=mine")) == ["late", "soon", "later"]
    assert titles(agent.get("/tickets/?queue=unassigned")) == ["free"]
    assert titles(agent.get("/tickets/?queue=due-soon")) == ["soon", "other"]
    assert titles(agent.get("/tickets/?queue=breached")) == ["late"]
    assert titles(agent.get("/tickets/?queue=open")) == ["late", "soon", "other", "free", "later"]
    assert sorted(titles(agent.get("/tickets/?queue=all"))) == ["done", "free", "late", "later", "other", "soon"]


def test_the_teams_view_follows_the_teams(
    agent: PageClient, desk: dict[str, UUID], crowd: Crowd, admin: Any, world: World
) -> None:
    assert titles(agent.get("/tickets/?queue=team")) == []
    team = crowd.team("Second line", [crowd.id_of("agent")])
    admin.execute("update tickets set team_id = %s where id = %s", (team, desk["free"]))
    world.change(desk["other"], priority="high")
    assert titles(agent.get("/tickets/?queue=team")) == ["free"]


def test_every_count_is_that_of_the_list_behind_it(agent: PageClient, desk: dict[str, UUID]) -> None:
    page = agent.get("/tickets/")
    assert counts(page) == {
        "Mine": "3", "Unassigned": "1", "Due soon": "2", "Breached": "1", "My team's": "0", "All open": "5", "All": "6",
    }  # fmt: skip
    for tab in page.soup.select("#queues .tab"):
        number = tab.select_one(".tab-count")
        assert number is not None
        assert len(titles(agent.get(str(tab["href"])))) == int(number.get_text())


def test_a_count_is_new_once_a_ticket_is(agent: PageClient, world: World, crowd: Crowd, desk: dict[str, UUID]) -> None:
    assert counts(agent.get("/tickets/"))["Unassigned"] == "1"
    world.add(subject="another")
    part = agent.fragment("/tickets/queues?queue=mine", target="queues")
    assert counts(part)["Unassigned"] == "2"


def test_counts_are_each_readers_own(agent: PageClient, owner: PageClient, desk: dict[str, UUID]) -> None:
    assert counts(agent.get("/tickets/"))["Mine"] == "3"
    assert counts(owner.get("/tickets/"))["Mine"] == "1"


def test_saved_views_have_counts(agent: PageClient, world: World, desk: dict[str, UUID]) -> None:
    world.view("Late ones", shared=True, sla_state=["breached"])
    assert counts(agent.get("/tickets/"))["Late ones"] == "1"


def test_who_works_on_tickets_comes_to_their_own(
    agent: PageClient, owner: PageClient, viewer: PageClient, desk: dict[str, UUID]
) -> None:
    assert titles(agent.get("/tickets/")) == ["late", "soon", "later"]
    assert agent.get("/tickets/").texts("#queues [aria-current]")[0].startswith("Mine")
    assert len(titles(owner.get("/tickets/"))) == 5
    assert len(titles(viewer.get("/tickets/"))) == 5


def test_a_view_is_narrowed_and_a_filter_taken_away_stays_in_it(agent: PageClient, desk: dict[str, UUID]) -> None:
    page = agent.get("/tickets/?queue=mine&status=open")
    assert titles(page) == ["late", "soon"]
    clear = page.soup.select_one(".chip-clear")
    assert clear is not None
    assert titles(agent.get(str(clear["href"]))) == ["late", "soon", "later"]


def test_an_empty_view_says_what_that_means(agent: PageClient, world: World, crowd: Crowd) -> None:
    world.add(subject="Mine", owner_id=str(world.scope.user_id))
    assert "Every ticket is somebody's." in agent.get("/tickets/?queue=unassigned").texts(".empty-state")[0]


def test_a_desk_without_tickets_says_what_belongs_there(owner: PageClient) -> None:
    page = owner.get("/tickets/")
    assert page.texts(".empty-state h2") == ["No tickets yet"]
    assert page.soup.select(".empty-state a[href$='/tickets/new']")


@pytest.mark.parametrize("query", ["queue=", "queue=x", "queue=mine&queue=all", "queue=mine&sort=x", "queue=%00"])
def test_a_malformed_view_is_a_list(agent: PageClient, query: str) -> None:
    assert agent.get(f"/tickets/?{query}").status_code == 200


def test_a_row_says_why_it_is_next(agent: PageClient, desk: dict[str, UUID]) -> None:
    reasons = agent.get("/tickets/?queue=mine").soup.select("#record_rows .urgency")
    assert [reason.get_text(" ").split(" due")[0] for reason in reasons] == ["First response"] * 3
    assert "text-tone-danger" in reasons[0]["class"]
    assert reasons[1].select_one("time[data-relative]") is not None


def follow(client: PageClient, address: str) -> PageResponse:
    answer = client.get(address)
    assert answer.status_code == 303
    return client.get(answer.headers["Location"])


def onward(page: PageResponse) -> str:
    link = page.soup.select_one("[data-shortcut=N]")
    assert link is not None
    return str(link["href"])


def test_next_goes_through_the_view_in_its_order_and_round(agent: PageClient, desk: dict[str, UUID]) -> None:
    page = agent.get(str(agent.get("/tickets/?queue=mine").soup.select_one("#record_rows a")["href"]))
    seen = []
    for _ in range(4):
        seen.append(page.soup.select_one("h1").get_text().partition(" ")[2])
        page = follow(agent, onward(page))
    assert seen == ["late", "soon", "later", "late"]
    assert page.soup.select_one(".back").get_text() == "Mine"


def test_next_after_the_ticket_left_the_view_is_the_one_that_came_after_it(
    agent: PageClient, world: World, desk: dict[str, UUID]
) -> None:
    page = agent.get(f"/tickets/{desk['soon']}?queue=mine")
    address = onward(page)
    world.move(desk["soon"], "resolved")
    assert "later" in follow(agent, address).soup.select_one("h1").get_text()


def test_next_of_nothing_more_leads_back_and_says_so(agent: PageClient, world: World, desk: dict[str, UUID]) -> None:
    page = agent.get(f"/tickets/{desk['free']}?queue=unassigned")
    back = follow(agent, onward(page))
    assert "That was the last one in “Unassigned”." in back.text


@pytest.mark.parametrize("bad", ["cursor=nonsense", "besides=nonsense", f"besides={NOWHERE}", "cursor=WzEsMl0"])
def test_a_malformed_place_begins_at_the_top(agent: PageClient, desk: dict[str, UUID], bad: str) -> None:
    assert "late" in follow(agent, f"/tickets/next?queue=mine&{bad}").soup.select_one("h1").get_text()


def test_a_stranger_is_next_to_nothing(stranger: PageClient, desk: dict[str, UUID]) -> None:
    answer = stranger.get(f"/tickets/next?queue=open&besides={desk['late']}")
    assert answer.headers["Location"].endswith("/t/globex/tickets/?queue=open")


def test_urgency_without_a_promise_is_the_customer_who_waits(acme: Scope) -> None:
    empty = dict.fromkeys(queues.URGENCY_FIELDS)
    wrote = acme.now - timedelta(hours=2)
    found = queues.urgency(empty | {"status": "open", "last_customer_at": wrote})
    assert found is not None
    assert (found.text, found.at) == ("The customer wrote", wrote)
    assert queues.urgency(empty | {"status": "resolved", "due_at": wrote}) is None
    assert queues.urgency(empty | {"status": "open"}) is None


def test_the_view_in_an_address_is_relative_to_who_opens_it(
    agent: PageClient, owner: PageClient, desk: dict[str, UUID]
) -> None:
    address = "/tickets/?owner_id=me&due_at_to=%2B30m&sort=due"
    assert titles(agent.get(address)) == ["late", "soon"]
    assert titles(owner.get(address)) == []
    assert titles(owner.get("/tickets/?owner_id=me&due_at_from=now")) == ["other"]


def test_relative_instants_move_with_the_clock(world: World, acme: Scope) -> None:
    from app.core.records.fields import ParseContext
    from app.core.records.listing import read

    first = read(world.kind, {"due_at_to": ["+4h"]}, ParseContext(acme))
    later = read(world.kind, {"due_at_to": ["+4h"]}, ParseContext(replace(acme, now=acme.now + timedelta(minutes=5))))
    assert later.filters[0].value - first.filters[0].value == timedelta(minutes=5)
    assert first.basis != later.basis
    assert first.search_string() == later.search_string() == "?due_at_to=%2B4h"


def test_a_board_of_a_view(agent: PageClient, as_role: Callable[..., PageClient], desk: dict[str, UUID]) -> None:
    page = agent.get("/tickets/board?queue=mine")
    columns = [str(column["data-value"]) for column in page.soup.select("[data-board-cards]")]
    assert columns == ["new", "open", "pending", "on_hold"]
    assert {text.partition(" ")[2] for text in page.texts("#cards-open [data-row-link]")} == {"late", "soon"}
