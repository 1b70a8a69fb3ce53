from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World

FULL = {
    "first_name": "John",
    "last_name": "Doe",
    "email": "john@doe.example",
    "phone": "+1 212 555 0100",
    "company": "Doe & Sons",
    "estimated_value": "1,250.50",
    "currency": "EUR",
    "tags": "vip, trade fair",
}


class TestNew(Battery):
    path = "/leads/new"
    target = "dialog"


class TestCreate(Battery):
    path = "/leads/"
    method = "POST"
    form = FULL
    target = "dialog"
    as_page = 303
    as_fragment = 200
    invalid = {"first_name": "Jane", "email": "not an address", "company": "<b>Bold</b>"}  # noqa: RUF012
    wrong_method = "PUT"


def test_stores_what_was_typed_in_normal_form_and_tells_it_once(agent: PageClient, world: World) -> None:
    agent.submit("/leads/", FULL)
    (row,) = world.rows()
    assert (row["first_name"], row["last_name"], row["company"]) == ("John", "Doe", "Doe & Sons")
    assert row["phone"] == "+12125550100"
    assert (row["estimated_value"], row["currency"]) == (Decimal("1250.50"), "EUR")
    assert row["tags"] == ["vip", "trade fair"]
    assert (row["status"], row["version"]) == ("new", 1)
    assert world.event_types(row["id"]) == ["created"]
    assert world.events(row["id"])[0].actor_name.startswith("A")


def test_goes_to_the_new_record_and_says_so(agent: PageClient, world: World) -> None:
    answer = agent.submit("/leads/", FULL)
    page = agent.get(answer.headers["Location"])
    assert page.text_of("h1") == "John Doe"
    assert page.toasts == ["John Doe was added."]


def test_with_script_the_dialog_closes_and_the_list_asks_again(agent: PageClient, world: World) -> None:
    answer = agent.fragment("/leads/", target="dialog", method="POST", data=FULL)
    assert answer.status_code == 200
    assert answer.headers["HX-Reswap"] == "none"
    assert "lead-changed" in answer.headers["HX-Trigger"]
    assert "fairlead:close-dialog" in answer.headers["HX-Trigger"]
    assert "John Doe was added." in answer.toasts
    assert agent.get("/leads/").texts(".cell-title") == ["John Doe"]


@pytest.mark.parametrize("known_by", [{"last_name": "Doe"}, {"company": "Acme"}, {"email": "a@b.example"}])
def test_one_thing_to_be_known_by_is_enough(agent: PageClient, known_by: dict[str, str]) -> None:
    assert agent.submit("/leads/", known_by).status_code == 303


def test_nothing_to_be_known_by_is_refused_beside_the_field(agent: PageClient, world: World) -> None:
    answer = agent.submit("/leads/", {"city": "Oslo"})
    assert answer.status_code == 422
    assert answer.problems == ["Give at least a name, a company or an e-mail address."]
    assert answer.soup.find("input", id="last_name")["aria-invalid"] == "true"
    assert answer.soup.find("a", href="#last_name")
    assert world.rows() == []


def test_every_wrong_field_is_said_at_once(agent: PageClient) -> None:
    wrong = {
        "last_name": "x" * 101,
        "email": "a@",
        "phone": "abc",
        "website": "javascript:alert(1)",
        "rating": "boiling",
    }
    wrong |= {
        "estimated_value": "much",
        "currency": "XXQ",
        "next_follow_up": "soon",
        "owner_id": "nobody",
        "tags": "t" * 51,
    }
    answer = agent.submit("/leads/", wrong)
    assert answer.status_code == 422
    linked = {link["href"].lstrip("#") for link in answer.soup.select("[data-error-summary] a")}
    assert linked == set(wrong)


def test_an_amount_without_currency_is_in_the_tenants(agent: PageClient, world: World) -> None:
    agent.submit("/leads/", {"last_name": "Doe", "estimated_value": "20"})
    assert world.rows()[0]["currency"] == "USD"


def test_the_form_proposes_the_asker_as_owner_and_unticked_boxes(agent: PageClient) -> None:
    form = agent.get("/leads/new").soup
    chosen = form.select_one("#owner_id option[selected]")
    assert chosen.get_text().endswith("Acme")
    assert not form.find(id="do_not_contact").has_attr("checked")
    assert form.select_one("#currency option[selected]")["value"] == "USD"


def test_another_tenant_sees_nothing_of_it(agent: PageClient, stranger: PageClient) -> None:
    agent.submit("/leads/", FULL)
    for page in ("/leads/", "/leads/?q=doe", "/leads/count", "/leads/similar?email=john@doe.example"):
        assert "Doe" not in stranger.get(page).get_data(as_text=True)
    assert stranger.get("/leads/count").text_of("#record_count") == "0 leads"


def test_twice_the_same_makes_two(agent: PageClient, world: World) -> None:
    agent.submit("/leads/", FULL)
    agent.submit("/leads/", FULL)
    assert len(world.rows()) == 2


def test_without_a_token_nothing_is_made(agent: PageClient, world: World) -> None:
    assert agent.post("/leads/", data=FULL).status_code == 400
    assert world.rows() == []
