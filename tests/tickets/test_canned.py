"""Canned replies: written once, filled in for a ticket, one's own, a team's or everybody's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World

FORM = {"title": "Password", "body": "Hello {{requester_first_name}}.", "visibility": "own", "category": "Access"}


class TestList(Battery):
    path = "/canned-replies/"
    target = "canned_list"


class TestNew(Battery):
    path = "/canned-replies/new"


class TestCreate(Battery):
    path = "/canned-replies/"
    method = "POST"
    form = FORM
    as_page = 303
    invalid = {"title": "x" * 90, "body": "Hello {{nobody}}"}  # noqa: RUF012
    wrong_method = "PUT"


class OfOne:
    def ids(self, world: World) -> dict[str, Any]:
        return {"canned_id": Talk(world).canned()}


class TestEdit(OfOne, Battery):
    path = "/canned-replies/{canned_id}"
    wrong_method = "PUT"


class TestUpdate(OfOne, Battery):
    path = "/canned-replies/{canned_id}"
    method = "POST"
    form = FORM | {"version": "1"}
    role = "owner"
    as_page = 303
    invalid = {"title": "", "body": "Hello {{nobody}}"}  # noqa: RUF012
    wrong_method = "PUT"


class TestDelete(OfOne, Battery):
    path = "/canned-replies/{canned_id}/delete"
    method = "POST"
    role = "owner"
    as_page = 303


class TestSearch(Battery):
    path = "/tickets/{id}/canned-replies"
    target = "canned_results"


class TestUse(Battery):
    path = "/tickets/{id}/canned-replies/{canned_id}"
    method = "POST"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.add(), "canned_id": Talk(world).canned()}


def test_it_is_filled_in_for_the_ticket_and_counted(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add(subject="Help", requester_name="John Doe")
    canned = talk.canned("Password", "Hello {{requester_first_name}}, about #{{number}}: {{ subject }}.")
    part = agent.fragment(f"/tickets/{ticket}/canned-replies?q=pass", target="canned_results")
    text = f"Hello John, about #{talk.ticket(ticket)['number']}: Help."
    assert part.soup.select_one("[data-canned]")["data-canned"] == text
    agent.submit(f"/tickets/{ticket}/drafts", {"kind": "reply", "body": "Good day."})
    agent.submit(f"/tickets/{ticket}/canned-replies/{canned}")
    assert talk.drafts(ticket)[0]["body"] == f"Good day.\n\n{text}"
    assert "1" in agent.get("/canned-replies/").texts("td.is-number")


@pytest.mark.parametrize("name", ["{{7*7}}", "{{ config }}", "{{requester_name.__class__}}", "{{ }}"])
def test_nothing_but_variables_is_filled_in(owner: PageClient, name: str) -> None:
    answer = owner.submit("/canned-replies/", FORM | {"body": f"Hello {name}"})
    assert answer.status_code == 422
    assert "There is no variable" in answer.text_of(".field-error")


def test_what_a_variable_holds_is_not_filled_in_again(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add(subject="Help", requester_name="{{agent_name}}")
    talk.canned(body="Hello {{requester_name}}.")
    part = agent.fragment(f"/tickets/{ticket}/canned-replies", target="canned_results")
    assert part.soup.select_one("[data-canned]")["data-canned"] == "Hello {{agent_name}}."


def test_ones_own_are_ones_own(agent: PageClient, owner: PageClient, as_role: Callable[..., PageClient]) -> None:
    agent.submit("/canned-replies/", FORM)
    link = agent.get("/canned-replies/").soup.select_one("a[data-row-link]")["href"].removeprefix("/t/acme")
    assert "Password" not in owner.get("/canned-replies/").get_data(as_text=True)
    for method in (owner.get, lambda path: owner.submit(path, FORM)):
        assert method(link).status_code == 404


def test_an_agent_cannot_share_or_change_what_is_shared(agent: PageClient, talk: Talk) -> None:
    answer = agent.submit("/canned-replies/", FORM | {"visibility": "all"})
    assert answer.status_code == 422
    assert "Only those who set up" in answer.get_data(as_text=True)
    canned = talk.canned()
    assert agent.get(f"/canned-replies/{canned}").soup.find("form", id="canned_form") is None
    assert agent.submit(f"/canned-replies/{canned}", FORM).status_code == 403
    assert agent.submit(f"/canned-replies/{canned}/delete").status_code == 403


def test_a_teams_are_its_members(
    talk: Talk,
    crowd: Any,
    agent: PageClient,
    as_role: Callable[..., PageClient],
    as_custom_role: Callable[..., PageClient],
) -> None:
    team = crowd.team("North", [crowd.id_of("agent")])
    talk.canned("Northern", visibility="team", team_id=team)
    assert "Northern" in agent.get("/canned-replies/").get_data(as_text=True)
    stranger = as_custom_role({"ticket:read", "ticket:update"}, {"ticket": ("all", "all")})
    assert "Northern" not in stranger.get("/canned-replies/").get_data(as_text=True)
    assert "Northern" in as_role("manager").get("/canned-replies/").get_data(as_text=True), (
        "whoever sets up the desk sees all"
    )


@pytest.mark.parametrize("version", ["", "\u00b2", "-1", "1e3"])
def test_a_version_that_is_none_is_another(owner: PageClient, talk: Talk, version: str) -> None:
    assert owner.submit(f"/canned-replies/{talk.canned()}", FORM | {"version": version}).status_code == 409


def test_another_tab_changed_it(owner: PageClient, talk: Talk) -> None:
    canned = talk.canned()
    assert owner.submit(f"/canned-replies/{canned}", FORM | {"version": "1"}).status_code == 303
    answer = owner.submit(f"/canned-replies/{canned}", FORM | {"version": "1", "body": "Mine"})
    assert answer.status_code == 409
    assert "Mine" in answer.soup.find("textarea").get_text()
