from __future__ import annotations

from typing import Any

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class Categories:
    """What only those who set up the desk may do."""

    role = "manager"
    path = ""

    def ids(self, world: World) -> dict[str, Any]:
        return {"category_id": world.category("Billing")} if "{category_id}" in self.path else {}


class TestList(Categories, Battery):
    path = "/settings/categories"


class TestNew(Categories, Battery):
    path = "/settings/categories/new"


class TestCreate(Categories, Battery):
    path = "/settings/categories"
    method = "POST"
    form = {"name": "Delivery", "description": "Where is it?"}  # noqa: RUF012
    as_page = 303
    invalid = {"name": "", "description": "Where is it?"}  # noqa: RUF012


class TestEdit(Categories, Battery):
    path = "/settings/categories/{category_id}"


class TestUpdate(Categories, Battery):
    path = "/settings/categories/{category_id}"
    method = "POST"
    form = {"name": "Money", "version": "1"}  # noqa: RUF012
    as_page = 303
    invalid = {"name": "", "description": "About money", "version": "1"}  # noqa: RUF012


class TestArchive(Categories, Battery):
    path = "/settings/categories/{category_id}/archive"
    method = "POST"
    as_page = 303


class TestMove(Categories, Battery):
    path = "/settings/categories/{category_id}/move"
    method = "POST"
    form = {"to": "up"}  # noqa: RUF012
    as_page = 303


def names(page: Any) -> list[str]:
    return [link.get_text() for link in page.soup.select("td a[data-row-link]")]


def test_two_cannot_have_one_name(as_role: Any, world: World) -> None:
    world.category("Billing")
    answer = as_role("manager").submit("/settings/categories", {"name": "BILLING"})
    assert answer.status_code == 422
    assert "There is a category called BILLING already." in answer.text


def test_the_second_of_two_writers_is_told(as_role: Any, world: World) -> None:
    manager, id_ = as_role("manager"), world.category("Billing")
    manager.submit(f"/settings/categories/{id_}", {"name": "Money", "version": "1"})
    answer = manager.submit(f"/settings/categories/{id_}", {"name": "Bills", "version": "1"})
    assert answer.status_code == 409
    assert "Bills" in answer.text
    assert "Money" in answer.text


def test_a_ticket_keeps_an_archived_category_and_a_new_one_is_not_offered_it(
    agent: PageClient, as_role: Any, world: World
) -> None:
    id_ = world.category("Billing")
    ticket = world.add(subject="An invoice", category_id=str(id_))
    as_role("manager").submit(f"/settings/categories/{id_}/archive", {"archived": "yes"})
    assert "Billing" in agent.get(f"/tickets/{ticket}").text
    assert "Billing" not in agent.get("/tickets/new").text


def test_their_order_is_the_one_people_chose(as_role: Any, world: World) -> None:
    manager = as_role("manager")
    ids = [world.category(name) for name in ("Alpha", "Beta", "Gamma")]
    manager.submit(f"/settings/categories/{ids[2]}/move", {"to": "up"})
    assert names(manager.get("/settings/categories")) == ["Alpha", "Gamma", "Beta"]


def test_a_new_name_is_seen_in_the_list_of_tickets_at_once(agent: PageClient, as_role: Any, world: World) -> None:
    id_ = world.category("Billing")
    world.add(subject="An invoice", category_id=str(id_))
    assert "Billing" in agent.get("/tickets/").text
    as_role("manager").submit(f"/settings/categories/{id_}", {"name": "Money", "version": "1"})
    assert "Money" in agent.get("/tickets/").text
