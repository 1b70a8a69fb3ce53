from __future__ import annotations

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World

FULL = {
    "subject": "Cannot sign in",
    "description": "It says **wrong password**.",
    "requester_name": "John Doe",
    "requester_email": "john@doe.example",
    "customer": "Doe & Sons",
    "priority": "high",
    "channel": "phone",
    "tags": "vip, login",
}


class TestNew(Battery):
    path = "/tickets/new"
    target = "dialog"


class TestCreate(Battery):
    path = "/tickets/"
    method = "POST"
    form = FULL
    target = "dialog"
    as_page = 303
    as_fragment = 200
    invalid = {"subject": "Help", "priority": "high", "channel": "web", "requester_email": "no address"}  # noqa: RUF012
    wrong_method = "PUT"


class TestShow(Battery):
    path = "/tickets/{id}"
    viewer_may = True


class TestList(Battery):
    path = "/tickets/"
    viewer_may = True


def test_stores_what_was_typed_and_numbers_it(agent: PageClient, world: World) -> None:
    answer = agent.submit("/tickets/", FULL)
    (row,) = world.rows()
    assert (row["subject"], row["priority"], row["status"], row["owner_id"]) == ("Cannot sign in", "high", "new", None)
    assert row["requester_key"] == "john@doe.example"
    assert row["opened_at"] == row["created_at"]
    page = agent.get(answer.headers["Location"])
    assert page.text_of("h1") == f"#{row['number']} Cannot sign in"
    assert page.toasts == [f"#{row['number']} Cannot sign in was added."]


def test_a_ticket_without_subject_is_called_by_its_first_words(agent: PageClient, world: World) -> None:
    agent.submit("/tickets/", FULL | {"subject": ""})
    assert world.rows()[0]["subject"] == "It says **wrong password**."


def test_a_ticket_says_what_it_is_about(agent: PageClient, world: World) -> None:
    answer = agent.submit("/tickets/", FULL | {"subject": "", "description": ""})
    assert answer.status_code == 422
    assert "Say what it is about" in answer.text
    assert world.rows() == []


def test_resolving_stamps_it_and_reopening_takes_that_back(world: World) -> None:
    ticket = world.add()
    world.move(ticket, "resolved")
    assert world.row(ticket)["resolved_at"] is not None
    world.move(ticket, "closed")
    assert world.row(ticket)["closed_at"] is not None
    world.move(ticket, "open")
    assert (world.row(ticket)["resolved_at"], world.row(ticket)["closed_at"]) == (None, None)


def test_the_status_asked_for_alone_keeps_its_moves(agent: PageClient, world: World) -> None:
    """As the live page asks for it again after every change."""
    part = agent.fragment(f"/tickets/{world.add()}", target="record_summary")
    assert [button.get_text(strip=True) for button in part.soup.select(".moves button")] == [
        "Open",
        "Pending",
        "On hold",
        "Resolved",
        "Closed",
    ]
