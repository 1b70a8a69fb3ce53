"""The board of leads: what stands where, moves that are allowed and refused, an order the team shares."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.core.errors import Conflict
from app.core.records import actions, queries
from app.core.records.actions import Placing
from app.core.scope import Scope
from app.leads import rules
from app.leads.definition import LEADS
from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.world import NOWHERE, World


class TestBoard(Battery):
    path = "/leads/board"
    target = "board"
    viewer_may = True


class TestPlace(Battery):
    path = "/leads/{id}/place"
    method = "POST"
    form = {"to": "contacted", "version": 0}  # noqa: RUF012
    target = "dialog"
    as_page = 303
    invalid = {"to": "lost", "reason": ""}  # noqa: RUF012


class TestQueues(Battery):
    path = "/leads/queues"
    target = "queues"
    viewer_may = True


def cards(page: PageResponse, column: str) -> list[str]:
    return page.texts(f"#cards-{column} [data-row-link]")


def count(page: PageResponse, column: str) -> str:
    return page.texts(f"#column-{column} [data-board-count]")[0]


def place(client: PageClient, world: World, lead: UUID, to: str, **more: Any) -> PageResponse:
    form = {"to": to, "version": str(world.row(lead)["version"])}
    return client.fragment(
        f"/leads/{lead}/place", target="dialog", method="POST", data=form | {k: str(v) for k, v in more.items()}
    )


@pytest.fixture
def three(world: World) -> list[UUID]:
    """Three new leads; the newest stands on top."""
    return world.add_many([{"last_name": name} for name in ("Third", "Second", "First")])[::-1]


def test_a_column_for_each_status_and_the_newest_on_top(owner: PageClient, three: list[UUID]) -> None:
    page = owner.get("/leads/board")
    assert [str(column["data-value"]) for column in page.soup.select("[data-board-cards]")] == list(rules.MOVES)
    assert cards(page, "new") == ["First", "Second", "Third"]
    assert (count(page, "new"), count(page, "lost")) == ("3", "0")


def test_columns_by_another_choice(owner: PageClient, world: World) -> None:
    world.add(last_name="Warm", rating="warm")
    page = owner.get("/leads/board?by=rating")
    assert cards(page, "warm") == ["Warm"]
    assert [str(column["data-value"]) for column in page.soup.select("[data-board-cards]")] == ["hot", "warm", "cold"]


def test_moving_within_another_choice_changes_the_field(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Warm", rating="warm")
    assert place(owner, world, lead, "hot", by="rating").status_code == 200
    assert world.row(lead)["rating"] == "hot"
    assert world.event_types(lead) == ["created", "changed"]


def test_search_and_filters_are_those_of_the_list(owner: PageClient, three: list[UUID], world: World) -> None:
    world.move(three[1], "contacted")
    page = owner.get("/leads/board?q=second")
    assert (cards(page, "new"), cards(page, "contacted")) == ([], ["Second"])
    page = owner.get("/leads/board?status=new")
    assert [str(column["data-value"]) for column in page.soup.select("[data-board-cards]")] == ["new"]
    assert "status=new" in str(page.soup.select_one(".view-switch a")["href"])


def test_a_long_column_shows_twenty_and_then_more(owner: PageClient, world: World) -> None:
    world.add_many([{"last_name": f"Lead{number:02d}"} for number in range(45)])
    page = owner.get("/leads/board")
    assert (len(cards(page, "new")), count(page, "new")) == (20, "45")
    seen = cards(page, "new")
    more = page.soup.select_one("#board_more--new a")
    assert more is not None
    assert "status=new" in str(more["href"]), "without script it leads to the list of that column"
    while more is not None:
        part = owner.fragment(str(more["hx-get"]), target="board_more--new", tag="li")
        seen += part.texts("[data-row-link]")
        more = part.soup.select_one(".board-more a")
    assert seen == [f"Lead{number:02d}" for number in range(44, -1, -1)]


def test_a_card_moves_to_another_column_between_two_others(owner: PageClient, world: World, three: list[UUID]) -> None:
    first, second, third = three
    world.move(first, "contacted")
    world.move(third, "contacted")
    answer = place(owner, world, second, "contacted", after=first, before=third)
    assert answer.status_code == 200
    assert '"fairlead:placed"' in answer.headers["HX-Trigger"]
    page = owner.get("/leads/board")
    assert cards(page, "contacted") == ["First", "Second", "Third"]
    assert world.event_types(second) == ["created", "moved"]


def test_the_order_is_nobodys_version(owner: PageClient, world: World, three: list[UUID]) -> None:
    first, second, third = three
    assert place(owner, world, third, "new", before=first).status_code == 200
    assert cards(owner.get("/leads/board"), "new") == ["Third", "First", "Second"]
    assert world.row(third)["version"] == 1
    assert world.event_types(third) == ["created"]
    assert place(owner, world, third, "new", after=second).status_code == 200
    assert cards(owner.get("/leads/board"), "new") == ["First", "Second", "Third"]


def test_everybody_sees_the_same_order(owner: PageClient, agent: PageClient, world: World, three: list[UUID]) -> None:
    assert cards(agent.get("/leads/board"), "new") == ["First", "Second", "Third"]
    place(owner, world, three[2], "new", before=three[0])
    assert cards(agent.get("/leads/board"), "new") == ["Third", "First", "Second"]


def test_who_was_first_is_said_and_the_card_stays(owner: PageClient, world: World, three: list[UUID]) -> None:
    lead = three[0]
    world.move(lead, "nurturing")
    form = {"to": "contacted", "version": "1"}
    answer = owner.fragment(f"/leads/{lead}/place", target="dialog", method="POST", data=form)
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert f"{world.scope.user_name} moved this lead to Nurturing before you" in answer.text
    assert world.row(lead)["status"] == "nurturing"
    without_script = owner.submit(f"/leads/{lead}/place", form)
    assert without_script.status_code == 303
    assert "before you" in owner.get(without_script.headers["Location"]).text


def test_the_same_move_by_two_is_one_move(owner: PageClient, world: World, three: list[UUID]) -> None:
    for _ in range(2):
        answer = owner.submit(f"/leads/{three[0]}/place", {"to": "contacted", "version": "1"})
        assert answer.status_code == 303
    assert world.event_types(three[0]) == ["created", "moved"]


def test_a_move_the_lifecycle_forbids_is_refused(owner: PageClient, world: World) -> None:
    lead = world.add()
    answer = place(owner, world, lead, "converted")
    assert answer.status_code == 422
    assert "New cannot become Converted" in answer.text
    assert world.row(lead)["status"] == "new"


def test_a_reason_is_asked_and_the_place_is_kept(owner: PageClient, world: World, three: list[UUID]) -> None:
    first, second, third = three
    world.move(first, "lost", "No budget.")
    world.move(third, "lost", "No budget.")
    asked = place(owner, world, second, "lost", after=first, before=third)
    assert asked.status_code == 422
    form = asked.soup.select_one("form#move_form")
    assert form is not None
    fields = {str(field["name"]): str(field.get("value", "")) for field in form.select("input")}
    assert fields["after"] == str(first)
    path = str(form["action"])
    answer = owner.fragment(path, target="dialog", method="POST", data=fields | {"reason": "Too dear."})
    assert answer.status_code == 200
    assert cards(owner.get("/leads/board"), "lost") == ["First", "Second", "Third"]


@pytest.mark.parametrize("bad", [{"to": "nonsense"}, {"to": ""}, {"by": "email"}, {"by": "status\x00"}])
def test_a_column_that_is_none(owner: PageClient, world: World, bad: dict[str, str]) -> None:
    lead = world.add()
    answer = owner.fragment(
        f"/leads/{lead}/place", target="dialog", method="POST", data={"to": "contacted", "version": "1"} | bad
    )
    assert answer.status_code in (404, 422)
    assert world.row(lead)["status"] == "new"


@pytest.mark.parametrize("after", ["", "nonsense", str(NOWHERE), "itself"])
def test_a_neighbour_that_is_none_means_on_top(owner: PageClient, world: World, three: list[UUID], after: str) -> None:
    lead = three[2]
    answer = place(owner, world, lead, "new", after=lead if after == "itself" else after)
    assert answer.status_code == 200
    assert cards(owner.get("/leads/board"), "new")[0] == "Third"


def test_a_foreign_neighbour_is_a_neighbour_of_nothing(
    owner: PageClient, world: World, globex_world: World, three: list[UUID]
) -> None:
    assert place(owner, world, three[2], "new", after=globex_world.add()).status_code == 200
    assert cards(owner.get("/leads/board"), "new")[0] == "Third"


@pytest.mark.parametrize("query", ["by=nonsense", "after=abc", "column=nonsense&after=WzEsMl0", "queue=nonsense"])
def test_a_malformed_address_shows_the_board(owner: PageClient, query: str) -> None:
    assert owner.get(f"/leads/board?{query}").status_code == 200


def test_more_of_a_column_that_is_none(owner: PageClient) -> None:
    after = queries_cursor()
    answer = owner.fragment(f"/leads/board?column=nonsense&after={after}", target="board_more--x", tag="li")
    assert answer.status_code == 404


def queries_cursor() -> str:
    from app.core.records.listing import Cursor

    return Cursor("a0", NOWHERE).encode()


def test_two_hundred_cards_dropped_in_one_place_keep_short_keys(
    world: World, acme: Scope, inside: Callable[..., Any]
) -> None:
    """Each lands directly below the same card; keys are spread anew before they grow long."""
    anchor, *rest = world.add_many([{"last_name": f"Lead{number}"} for number in range(10)])[::-1]
    order = list(rest)
    with inside(acme):
        for number in range(400):
            moved = order.pop() if number % 2 else order.pop(len(order) // 2)
            actions.place_record(acme, LEADS, moved, Placing("status", "new", 1, after=anchor))
            order.insert(0, moved)
    rows = sorted((row for row in world.rows()), key=lambda row: row["board_rank"])
    assert [row["id"] for row in rows] == [anchor, *order]
    assert max(len(row["board_rank"]) for row in rows) <= 40


def test_records_that_share_a_key_are_told_apart(world: World, acme: Scope, inside: Callable[..., Any], admin) -> None:
    leads = sorted(world.add_many([{"last_name": f"Lead{number}"} for number in range(6)]))
    admin.execute("update leads set board_rank = 'a0'")
    with inside(acme):
        actions.place_record(acme, LEADS, leads[5], Placing("status", "new", 1, after=leads[1]))
    rows = sorted(world.rows(), key=lambda row: (row["board_rank"], row["id"]))
    assert [row["id"] for row in rows] == [*leads[:2], leads[5], *leads[2:5]]


def test_many_who_drag_at_once_lose_nothing(app: Flask, world: World, acme: Scope, inside: Callable[..., Any]) -> None:
    """Eight at a time drop cards into the same place of the same column: every card is there, no key twice."""
    leads = world.add_many([{"last_name": f"Lead{number}"} for number in range(25)])
    anchor, moving = leads[0], leads[1:]
    world.move(anchor, "contacted")
    failures: list[BaseException] = []

    def work(mine: list[UUID]) -> None:
        try:
            for lead in mine:
                with inside(acme):
                    actions.place_record(acme, LEADS, lead, Placing("status", "contacted", 1, after=anchor))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(moving[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    rows = world.rows()
    assert {row["status"] for row in rows} == {"contacted"}
    assert len({row["board_rank"] for row in rows}) == len(rows)


def test_one_card_dragged_two_ways_at_once_goes_one_way(
    app: Flask, world: World, acme: Scope, inside: Callable[..., Any]
) -> None:
    lead = world.add()
    answers: list[str] = []

    def drag(to: str) -> None:
        try:
            with inside(acme):
                actions.place_record(acme, LEADS, lead, Placing("status", to, 1))
            answers.append(to)
        except Conflict as conflict:
            answers.append(conflict.message)

    threads = [threading.Thread(target=drag, args=(to,)) for to in ("contacted", "nurturing")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = world.row(lead)["status"]
    assert status in answers
    label = {value: label for value, label, _ in rules.STATUSES}[status]
    assert any(f"to {label} before you" in answer for answer in answers)
    assert world.event_types(lead) == ["created", "moved"]


def test_whoever_may_not_change_drags_nothing(as_custom_role: Callable[..., PageClient], world: World) -> None:
    world.add()
    someone = as_custom_role({"lead:read", "lead:update"}, {"lead": ("all", "own")})
    page = someone.get("/leads/board")
    assert len(page.soup.select(".board-card")) == 1
    assert not page.soup.select("[data-board-card], [data-board-grip], [data-board-to]")


def test_a_board_shows_what_its_reader_sees(as_custom_role: Callable[..., PageClient], world: World) -> None:
    lead = world.add()
    someone = as_custom_role({"lead:read", "lead:update"}, {"lead": ("own", "own")})
    assert not someone.get("/leads/board").soup.select(".board-card")
    assert someone.submit(f"/leads/{lead}/place", {"to": "contacted", "version": "1"}).status_code == 404


def test_the_list_counts_what_a_column_says(world: World, acme: Scope, inside: Callable[..., Any]) -> None:
    world.add_many([{"last_name": f"Lead{number}"} for number in range(3)])
    from app.core.records.fields import ParseContext
    from app.core.records.listing import read

    with inside(acme):
        state = read(LEADS, {}, ParseContext(acme))
        columns = queries.list_board(acme, LEADS, state, "status", list(rules.MOVES))
        narrowed = {c.value: read(LEADS, {"status": [c.value]}, ParseContext(acme)) for c in columns}
        counts = queries.count_states(acme, LEADS, narrowed)
    assert {column.value: column.count for column in columns} == counts
