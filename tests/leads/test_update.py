from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup

from app.core import cache
from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.world import World


class TestEdit(Battery):
    path = "/leads/{id}/edit"
    target = "dialog"


class TestUpdate(Battery):
    path = "/leads/{id}/edit"
    method = "POST"
    form = {"last_name": "Roe", "version": 0}  # noqa: RUF012
    target = "dialog"
    as_page = 303
    as_fragment = 204
    invalid = {"first_name": "Jane", "email": "not an address"}  # noqa: RUF012


def filled(page: PageResponse, form_id: str = "record_form") -> dict[str, Any]:
    """What a browser would post if nothing were touched."""
    form = page.soup.find(id=form_id) or page.soup.select_one("form.conflict")
    return fields_of(form)


def fields_of(form: BeautifulSoup) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for control in form.select("input, select, textarea"):
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.find("option")
            values[control["name"]] = chosen["value"]
        elif control.name == "textarea":
            values[control["name"]] = control.get_text().removeprefix("\n")
        elif control.get("type") not in ("checkbox", "radio") or control.has_attr("checked"):
            values[control["name"]] = control.get("value", "")
    return values


@pytest.fixture
def whole(world: World) -> UUID:
    return world.add(
        first_name="Ann",
        last_name="Lee",
        email="ann@lee.example",
        phone="(212) 555-0100 ext. 7",
        company="Lee Ltd",
        job_title="CEO",
        website="https://lee.example",
        source="referral",
        rating="warm",
        estimated_value="99.90",
        currency="EUR",
        owner_id=str(world.scope.user_id),
        tags="a, B",
        street="Main St 1",
        city="Oslo",
        description="Two\nlines",
        do_not_contact="",
        last_contacted_at="2026-03-08T12:30:15",
        next_follow_up="2026-12-01",
    )


def test_saving_an_untouched_form_changes_nothing(owner: PageClient, world: World, whole: UUID) -> None:
    before = world.row(whole)
    answer = owner.submit(f"/leads/{whole}/edit", filled(owner.get(f"/leads/{whole}/edit")))
    assert answer.status_code == 303
    assert world.row(whole) == before
    assert world.event_types(whole) == ["created"]


def test_a_change_is_stored_derived_and_told_once(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"last_name": "Søe", "estimated_value": "1000", "tags": "c"}
    owner.submit(f"/leads/{whole}/edit", form)
    row = world.row(whole)
    assert (row["last_name"], row["version"], row["estimated_value"]) == ("Søe", 2, Decimal("1000.00"))
    assert row["currency"] == "EUR"
    assert "søe" in row["search_text"].split()
    assert row["tag_keys"] == ["#c"]
    assert world.event_types(whole) == ["created", "changed"]
    assert world.events(whole)[-1].data["changes"] == {
        "last_name": ["Lee", "Søe"],
        "estimated_value": ["99.90", "1000.00"],
        "tags": [["a", "B"], ["c"]],
    }


def test_a_stale_form_shows_both_versions_and_changes_nothing(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen", "job_title": "CTO"}
    world.change(whole, city="Trondheim", company="Lee AS")
    answer = owner.submit(f"/leads/{whole}/edit", form)
    assert answer.status_code == 409
    shown = {
        row.legend.get_text(): [text.get_text() for text in row.select(".conflict-text")]
        for row in answer.soup.select(".conflict-row")
    }
    assert shown == {"City": ["Bergen", "Trondheim"], "Company": ["Lee Ltd", "Lee AS"], "Job title": ["CTO", "CEO"]}
    assert world.scope.user_name in answer.text_of(".notice")
    assert world.row(whole)["version"] == 2


def test_a_conflict_is_settled_by_choices(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen", "job_title": "CTO"}
    world.change(whole, city="Trondheim", company="Lee AS")
    choices = filled(owner.submit(f"/leads/{whole}/edit", form))
    assert choices["choice-city"] == "mine"
    choices |= {"choice-company": "theirs", "choice-city": "mine", "choice-job_title": "mine"}
    assert owner.submit(f"/leads/{whole}/edit", choices).status_code == 303
    row = world.row(whole)
    assert (row["city"], row["company"], row["job_title"]) == ("Bergen", "Lee AS", "CTO")
    assert (row["first_name"], row["description"], row["tags"]) == ("Ann", "Two\nlines", ["a", "B"])


def test_all_of_theirs_leaves_the_record_alone(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen"}
    world.change(whole, city="Trondheim")
    before = world.row(whole)
    choices = filled(owner.submit(f"/leads/{whole}/edit", form))
    choices = {name: "theirs" if name.startswith("choice-") else value for name, value in choices.items()}
    assert owner.submit(f"/leads/{whole}/edit", choices).status_code == 303
    assert world.row(whole) == before


def test_a_second_conflict_while_choosing_is_a_conflict_again(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen"}
    world.change(whole, city="Trondheim")
    choices = filled(owner.submit(f"/leads/{whole}/edit", form))
    world.change(whole, city="Tromsø")
    again = owner.submit(f"/leads/{whole}/edit", choices)
    assert again.status_code == 409
    assert "Tromsø" in again.get_data(as_text=True)
    assert owner.submit(f"/leads/{whole}/edit", filled(again)).status_code == 303
    assert world.row(whole)["city"] == "Bergen"


def test_both_having_done_the_same_is_no_conflict(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen"}
    world.change(whole, city="Bergen")
    assert owner.submit(f"/leads/{whole}/edit", form).status_code == 303


def test_a_move_meanwhile_is_no_conflict_with_the_fields(owner: PageClient, world: World, whole: UUID) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen"}
    world.move(whole, "contacted")
    assert owner.submit(f"/leads/{whole}/edit", form).status_code == 303
    assert (world.row(whole)["city"], world.row(whole)["status"]) == ("Bergen", "contacted")


@pytest.mark.parametrize("version", ["", "0", "99", "-1", "abc", "1" * 30])
def test_a_version_nobody_was_shown_is_never_trusted(
    owner: PageClient, world: World, whole: UUID, version: str
) -> None:
    form = filled(owner.get(f"/leads/{whole}/edit")) | {"city": "Bergen", "version": version}
    assert owner.submit(f"/leads/{whole}/edit", form).status_code == 409
    assert world.row(whole)["city"] == "Oslo"


def test_a_choice_that_breaks_a_rule_keeps_the_rest_in_the_form(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", city="Oslo")
    choices = {"version": "1", "choice-last_name": "mine", "mine-last_name": ""}
    answer = owner.submit(f"/leads/{lead}/edit", choices)
    assert answer.status_code == 422
    assert answer.soup.find(id="city")["value"] == "Oslo"


def test_an_owner_who_left_stays_the_owner(owner: PageClient, world: World, admin, whole: UUID, as_role) -> None:
    gone = as_role("agent")
    page = gone.get("/leads/new")
    agent_id = page.soup.select_one("#owner_id option[selected]")["value"]
    world.change(whole, owner_id=UUID(agent_id))
    admin.execute("update users set disabled_at = now() where id = %s", (agent_id,))
    with owner.application.app_context():
        cache.bump(world.scope.tenant_id, "user")
    fresh = as_role("owner")
    form = filled(fresh.get(f"/leads/{whole}/edit"))
    assert form["owner_id"] == agent_id
    assert fresh.submit(f"/leads/{whole}/edit", form | {"city": "Bergen"}).status_code == 303
    assert str(world.row(whole)["owner_id"]) == agent_id
    offered = [option["value"] for option in fresh.get("/leads/new").soup.select("#owner_id option")]
    assert agent_id not in offered
