"""A manager has the classifier trained, a new ticket gets its category by itself, an agent takes it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Person
from tests.journeys.talking import talk_of
from tests.journeys.test_accessibility import PLACES, violations
from tests.journeys.test_live import listens
from tests.support.site import Site
from tests.support.waiting import PATIENCE
from tests.tickets.classifier.desk import Desk

REFUND = "Please refund the invoice, my card was charged twice"


@pytest.mark.parametrize("script", [True, False], ids=["script", "without"])
def test_trained_on_demand_it_sets_a_category_that_one_click_takes_back(
    site: Site, person: Callable[..., Person], script: bool
) -> None:
    with talk_of(site) as talk:
        Desk(talk.world).label()
    manager = person("manager", script=script)
    page = manager.visit("/settings/classifier")
    page.locator("#classifier-category").get_by_role("button", name="Train now").click()
    answers = page.get_by_text("Version 1 answers, taught by 60 tickets")
    if script:
        expect(answers).to_be_visible(timeout=PATIENCE * 1000)
    else:
        while not answers.count():
            page.wait_for_timeout(200)  # between two looks: without script nothing tells the page
            page.reload()
    agent = person("agent", script=script)
    page = agent.visit("/tickets/new")
    page.fill("[name=subject]", REFUND)
    page.get_by_role("button", name="Add ticket").click()
    expect(page.locator("#classification")).to_contain_text("Category set to Billing")
    expect(page.locator("#classification")).to_contain_text("60 of your tickets taught this")
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("#classification")).to_contain_text("taken back by")
    expect(page.locator("#field--category_id")).not_to_contain_text("Billing")


def test_an_open_ticket_hears_what_somebody_else_decided(site: Site, person: Callable[..., Person]) -> None:
    with talk_of(site) as talk:
        desk = Desk(talk.world)
        desk.teach()
        ticket = desk.new(REFUND)
        page = listens(person("agent").visit(f"/tickets/{ticket['id']}"))
        expect(page.locator("#classification")).to_contain_text("Take it back")
        desk.world.change(ticket["id"], category_id=desk.categories["shipping"])
        expect(page.locator("#classification")).to_contain_text("changed to Shipping")


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_on_the_classifiers_pages(
    site: Site, person: Callable[..., Person], width: int, theme: str
) -> None:
    manager = person("manager", width=width, theme=theme)
    problems = {"empty": violations(manager.visit("/settings/classifier"))}
    with talk_of(site) as talk:
        desk = Desk(talk.world)
        first = desk.teach()
        desk.train()
        ticket = desk.new(REFUND)
    for path in ("/settings/classifier", f"/settings/classifier/versions/{first.id}", f"/tickets/{ticket['id']}"):
        problems[path] = violations(manager.visit(path))
        overflow = manager.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not overflow, f"{path} is wider than the screen"
    assert not {name: found for name, found in problems.items() if found}
