from __future__ import annotations

from typing import Any

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestNewView(Battery):
    path = "/leads/views/new"
    target = "dialog"
    viewer_may = True


class TestSaveView(Battery):
    path = "/leads/views"
    method = "POST"
    form = {"name": "Hot ones"}  # noqa: RUF012
    target = "dialog"
    as_page = 303
    as_fragment = 204
    viewer_may = True
    invalid = {"name": "x" * 61}  # noqa: RUF012
    wrong_method = "PUT"


class TestDeleteView(Battery):
    path = "/leads/views/{view_id}/delete"
    method = "POST"
    role = "owner"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"view_id": world.view()}

    def test_viewer(self, viewer: PageClient, world: World, named: dict[str, Any], address: str) -> None:
        """Somebody else's private view is not there, whatever the role."""
        assert viewer.submit(address).status_code == 404
        assert world.views() == ["Mine"]


def tabs(client: PageClient) -> list[str]:
    page = client.get("/leads/")
    return [text for text in page.texts("#queues .tab-label, .tabs-end .menu-item") if text != "All"]


def test_brings_back_search_filters_sort_and_columns(owner: PageClient, world: World) -> None:
    world.add(last_name="Doe", rating="hot", tags="a, b", city="Oslo")
    address = "?q=doe&rating=hot&rating=cold&tags=a&tags=b&estimated_value_max=5&sort=name&columns=city,tags"
    saved = owner.submit(f"/leads/views{address}&cursor=abc", {"name": "  Hot \n ones "})
    page = owner.get(saved.headers["Location"])
    assert page.toasts == ["The view “Hot ones” was saved."]
    link = next(a for a in page.soup.select("a") if a.get_text(strip=True) == "Hot ones")
    again = owner.get(link["href"])
    assert again.texts(".chip strong") == ["Hot or Cold", "at most 5.00", "a", "b"]
    assert again.texts("thead th")[2:] == ["City", "Tags"] or again.text_of(".column-chooser")
    assert again.soup.select_one("select[name=sort] option[selected]")["value"] == "name"
    assert again.soup.select_one("form.search input[name=q]")["value"] == "doe"


def test_is_private_unless_shared(as_role, world: World) -> None:
    agent, manager = as_role("agent"), as_role("manager")
    agent.submit("/leads/views?rating=hot", {"name": "My hot ones"})
    manager.submit("/leads/views?rating=cold", {"name": "Our cold ones", "shared": "1"})
    assert tabs(agent) == ["My hot ones", "Our cold ones"]
    assert tabs(manager) == ["Our cold ones"]
    assert tabs(as_role("viewer")) == ["Our cold ones"]
    assert tabs(as_role("owner", "globex")) == []


def test_an_agent_cannot_share(as_role, world: World) -> None:
    agent = as_role("agent")
    assert "shared" not in [field.get("name") for field in agent.get("/leads/views/new").soup.select("input")]
    assert agent.submit("/leads/views", {"name": "All mine", "shared": "1"}).status_code == 403
    assert world.views() == []


def test_the_same_name_again_replaces_ones_own(owner: PageClient, world: World) -> None:
    owner.submit("/leads/views?rating=hot", {"name": "Hot"})
    owner.submit("/leads/views?rating=cold", {"name": "Hot"})
    assert world.views() == ["Hot"]
    link = next(a for a in owner.get("/leads/").soup.select("a") if a.get_text(strip=True) == "Hot")
    assert "rating=cold" in link["href"]
    assert "rating=hot" not in link["href"]


def test_fifty_are_enough(owner: PageClient, world: World) -> None:
    for number in range(50):
        world.view(f"View {number:02}")
    answer = owner.submit("/leads/views", {"name": "One more"})
    assert answer.status_code == 422
    assert answer.problems == ["There are 50 saved views already; delete one first."]
    assert owner.submit("/leads/views?q=x", {"name": "View 07"}).status_code == 303


@pytest.mark.parametrize("name", ["", "   ", "\x00", "x" * 61])
def test_a_name_is_needed(owner: PageClient, world: World, name: str) -> None:
    answer = owner.submit("/leads/views", {"name": name})
    assert answer.status_code == 422
    assert answer.problems == ["Give the view a name of at most 60 characters."]


def test_deleting_is_for_its_maker_or_a_manager(as_role, world: World) -> None:
    shared = world.view("Shared", shared=True)
    private = world.view("Private")
    agent = as_role("agent")
    assert agent.submit(f"/leads/views/{shared}/delete").status_code == 403
    assert agent.submit(f"/leads/views/{private}/delete").status_code == 404
    assert as_role("manager").submit(f"/leads/views/{private}/delete").status_code == 404
    assert as_role("manager").submit(f"/leads/views/{shared}/delete").status_code == 303
    assert world.views() == ["Private"]
    assert tabs(as_role("owner")) == ["Private"]


@pytest.mark.parametrize(
    "address", ["?status=new%00", "?tags=a%00b", "?q=%00", "?rating=%ED%A0%80", "?view=abc&sort=%00"]
)
def test_an_address_with_rubbish_is_saved_clean(owner: PageClient, world: World, address: str) -> None:
    answer = owner.submit(f"/leads/views{address}", {"name": "Rubbish"})
    assert answer.status_code == 303
    assert owner.get(answer.headers["Location"]).status_code == 200


def test_an_unpinned_view_stands_in_the_menu_until_it_is_open(owner: PageClient) -> None:
    owner.submit("/leads/views?status=new", {"name": "Aside"})
    page = owner.get("/leads/")
    assert "Aside" not in page.texts(".tab-label")
    assert "Aside" in page.texts(".tabs-end .menu-item")
    href = next(str(link["href"]) for link in page.soup.select(".tabs-end .menu-item") if "Aside" in link.get_text())
    assert "Aside" in owner.get(href).texts('.tab[aria-current="page"] .tab-label')
    owner.submit("/leads/views?status=new", {"name": "Aside", "pinned": "1"})
    assert "Aside" in owner.get("/leads/").texts(".tab-label")
