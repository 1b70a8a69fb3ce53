"""Whom one may name with an @: what is offered is what is recognised."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.tickets.rules.conversation import mentioned, shortest_handles
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestPeople(Battery):
    path = "/tickets/{ticket_id}/people"
    # Data for a script; whoever has none types the name.
    test_works_without_script = None  # type: ignore[assignment]

    def ids(self, world: World) -> dict[str, Any]:
        return {"ticket_id": world.add(subject="Printer on fire")}


def offered(client: PageClient, ticket: UUID, q: str) -> list[tuple[str, str]]:
    answer = client.get(f"/tickets/{ticket}/people?q={q}")
    assert answer.status_code == 200
    return [(one["handle"], one["name"]) for one in answer.get_json()["people"]]


def test_colleagues_by_the_beginning_of_a_name_or_address(agent: PageClient, world: World) -> None:
    ticket = world.add(subject="Printer on fire")
    assert offered(agent, ticket, "ma") == [("Mary", "Mary Acme")]
    assert offered(agent, ticket, "MANAGER@") == [("Mary", "Mary Acme")]
    assert offered(agent, ticket, "zz") == []
    everybody = [name for _, name in offered(agent, ticket, "")]
    assert "Olivia Acme" in everybody
    assert "Amal Acme" not in everybody, "the asker"


def test_nobody_of_another_organisation_is_offered(agent: PageClient, world: World) -> None:
    ticket = world.add(subject="Printer on fire")
    assert {name.split()[-1] for _, name in offered(agent, ticket, "")} == {"Acme"}


ANN, ANNE, OTHER_ANN, BO = (uuid4() for _ in range(4))


@pytest.mark.parametrize(
    ("people", "handles"),
    [
        ([(ANN, "Ann Lee", "ann@a.example")], {ANN: "Ann"}),
        (
            [(ANN, "Ann Lee", "ann.lee@a.example"), (OTHER_ANN, "Ann Smith", "smith@a.example")],
            {ANN: "Ann Lee", OTHER_ANN: "Ann Smith"},
        ),
        (
            [(ANN, "Ann Lee", "one@a.example"), (OTHER_ANN, "Ann Lee", "two@a.example")],
            {ANN: "one@a.example", OTHER_ANN: "two@a.example"},
        ),
        # Somebody's first name is the local part of somebody else's address.
        (
            [(ANN, "Ann Lee", "bo@a.example"), (BO, "Bo", "bo@b.example")],
            {ANN: "Ann", BO: "bo@b.example"},
        ),
    ],
)
def test_what_is_put_in_names_one_person(people: list[tuple[UUID, str, str]], handles: dict[UUID, str]) -> None:
    assert shortest_handles(people) == handles
    for user_id, handle in handles.items():
        assert mentioned(f"Could you look, @{handle} , please?", people) == [user_id]
        assert mentioned(f"@{handle} could you?", people) == [user_id]
