"""Working the queue by keyboard, and its counts in another browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.conftest import Person
from tests.journeys.talking import talk_of
from tests.journeys.test_live import listens
from tests.support.site import Site, in_tenant


def test_through_the_queue_by_keyboard(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, tickets=("Printer on fire", "No paper", "Too loud"))
    someone = person("agent")
    page = someone.visit("/tickets/?queue=unassigned")
    expect(page.locator("#record_rows [data-row-link]")).to_have_count(3)
    page.keyboard.press("j")
    first = page.locator("#record_rows [data-row-link]").first
    expect(first).to_be_focused()
    seen = [first.inner_text()]
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(seen[0])
    for _ in range(2):
        page.keyboard.press("Shift+N")
        expect(page.locator("h1")).not_to_have_text(seen[-1])
        seen.append(page.locator("h1").inner_text())
    assert len(set(seen)) == 3
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("is yours")
    page.goto(f"{site.url()}/tickets/?queue=mine")
    expect(page.locator("#record_rows [data-row-link]")).to_have_text([seen[-1]])


def test_a_count_changes_in_another_browser(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, tickets=("Printer on fire", "No paper"))
    watching, working = person("owner"), person("agent")
    other = watching.visit("/tickets/?queue=unassigned")
    tab = other.locator("#queues .tab", has_text="Unassigned").locator(".tab-count")
    expect(tab).to_have_text("2")
    page = working.visit("/tickets/?queue=unassigned")
    page.locator("#record_rows [data-row-link]").first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("#toasts")).to_contain_text("is yours")
    expect(tab).to_have_text("1")
    expect(other.locator("#record_rows [data-row-link]")).to_have_count(1)


def test_sending_an_answer_and_on_to_the_next(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, tickets=("Printer on fire", "No paper"))
    page = person("agent").visit("/tickets/?queue=unassigned")
    page.locator("#record_rows [data-row-link]").first.click()
    expect(page.locator("h1")).to_contain_text("Printer on fire")
    page.locator("#reply_form textarea").first.fill("Put it out, then call us.")
    page.locator("#reply_form summary", has_text="Send and…").click()
    page.get_by_role("button", name="Send as resolved, then the next").click()
    expect(page.locator("h1")).to_contain_text("No paper")


def test_take_it_goes_once_the_ticket_is_ones_own(site: Site, person: Callable[..., Person]) -> None:
    with talk_of(site) as talk:
        ticket = talk.world.add(subject="Printer on fire")
    first, second = (listens(person("agent").visit(f"/tickets/{ticket}")) for _ in range(2))
    take = first.get_by_role("button", name="Take it")
    expect(take).to_be_visible()
    second.get_by_role("button", name="Take it").click()
    expect(take).to_have_count(0, timeout=30_000)
    expect(first.locator("#record_facts")).to_contain_text("Amal")
