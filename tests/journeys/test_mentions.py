"""Naming a colleague while writing: offered, chosen with keys or a touch, and told."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.conftest import Person
from tests.journeys.talking import talk_of
from tests.support.site import Site


def test_a_colleague_is_named_with_keys(site: Site, person: Callable[..., Person]) -> None:
    with talk_of(site) as talk:
        ticket = talk.world.add(subject="Printer on fire", requester_name="John Doe")
    page = person("agent").visit(f"/tickets/{ticket}")
    page.get_by_text("Internal note", exact=True).click()
    body, options = page.locator("#reply_body"), page.get_by_role("option")
    body.press_sequentially("Please look, @")
    expect(options.first).to_be_visible()
    assert options.count() > 1
    body.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    chosen = options.nth(1).get_attribute("id")
    expect(body).to_have_attribute("aria-activedescendant", chosen or "")
    body.press("Escape")
    expect(options.first).to_be_hidden()
    body.press_sequentially("mar")
    expect(options.first).to_be_hidden()
    for _ in "@mar":
        body.press("Backspace")
    body.press_sequentially("@mar")
    expect(options).to_have_count(1)
    expect(options).to_contain_text("Mary Acme")
    body.press("Enter")
    expect(body).to_have_value("Please look, @Mary ")
    expect(options.first).to_be_hidden()
    body.press_sequentially("today.")
    body.press("Control+Enter")
    expect(page.locator("#conversation_entries .message").filter(has_text="@Mary today.")).to_be_visible()
    manager = person("manager").visit("/notices/")
    expect(manager.get_by_text("named you in a note")).to_be_visible()


def test_a_colleague_is_named_with_a_press(site: Site, person: Callable[..., Person]) -> None:
    with talk_of(site) as talk:
        ticket = talk.world.add(subject="Printer on fire")
    page = person("agent").visit(f"/tickets/{ticket}")
    body = page.locator("#reply_body")
    body.press_sequentially("ida@example.com @ol")
    page.get_by_role("option", name="Olivia Acme").click()
    expect(body).to_have_value("ida@example.com @Olivia ")
    expect(body).to_be_focused()
