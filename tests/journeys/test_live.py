"""Two people at two browsers: what one does, the other sees without doing anything, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import redis
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person
from tests.support.site import Site, fill_sample

LISTENS = "html[data-listening]"


def listens(page: Page) -> Page:
    """The page, once its stream is open."""
    page.locator(LISTENS).wait_for(state="attached")
    return page


def rename(page: Page, company: str) -> None:
    page.get_by_role("link", name="Edit company").click()
    field = page.locator("form.is-open [name=company]")
    field.fill(company)
    field.press("Enter")
    expect(page.locator("#field--company")).to_contain_text(company)


def lead_of(someone: Person, name: str) -> str:
    """The path of a lead's page."""
    page = someone.visit(f"/leads/?q={name}")
    href = page.locator("[data-row-link]").first.get_attribute("href")
    assert href is not None
    return href[href.index("/leads/") :]


def test_a_list_and_a_record_change_by_themselves(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia, tom = person("agent"), person("manager"), person("owner")
    path = lead_of(ida, "Fischer")
    list_ = listens(olivia.visit("/leads/?q=fischer"))
    record = listens(tom.visit(path))
    rename(listens(ida.visit(path)), "Changed Ltd")
    expect(list_.locator("#record_rows")).to_contain_text("Changed Ltd")
    expect(record.locator("#field--company")).to_contain_text("Changed Ltd")
    expect(record.locator("#timeline_items")).to_contain_text("Changed Ltd")


def test_the_parts_of_a_record_come_in_one_answer(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, tom = person("agent"), person("owner")
    path = lead_of(ida, "Fischer")
    watched = listens(tom.visit(path))
    asked: list[str] = []
    watched.on(
        "request",
        lambda request: asked.append(request.headers.get("fairlead-parts", "")) if path in request.url else None,
    )
    rename(listens(ida.visit(path)), "Changed Ltd")
    expect(watched.locator("#field--company")).to_contain_text("Changed Ltd")
    expect(watched.locator("#timeline_items")).to_contain_text("Changed Ltd")
    together = [parts.split() for parts in asked if parts]
    assert {"record_title", "record_summary", "record_facts", "timeline_items"} in [set(parts) for parts in together]


def test_the_title_and_the_status_follow(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, tom = person("agent"), person("owner")
    path = lead_of(ida, "Fischer")
    watched = listens(tom.visit(path))
    page = listens(ida.visit(path))
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator("#dialog [name=last_name]").fill("Renamed")
    page.locator("#dialog").get_by_role("button", name="Save").click()
    expect(watched.locator("h1")).to_contain_text("Renamed")


def test_what_is_typed_is_not_lost(site: Site, person: Callable[..., Person]) -> None:
    """A note half written, a field open for editing and a selection outlive what others do; then the page follows."""
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit(path))
    mine.locator("#note_form [name=body]").fill("Half a thought")
    mine.get_by_role("link", name="Edit job title").click()
    mine.locator("form.is-open [name=job_title]").fill("Typing thi")
    theirs = listens(ida.visit(path))
    rename(theirs, "Changed Ltd")
    expect(mine.locator("#timeline_items")).to_contain_text("Changed Ltd")
    expect(mine.locator("form.is-open [name=job_title]")).to_have_value("Typing thi")
    expect(mine.locator("#note_form [name=body]")).to_have_value("Half a thought")
    expect(mine.locator("#field--company")).not_to_contain_text("Changed Ltd")
    mine.locator("form.is-open [name=job_title]").press("Escape")
    expect(mine.locator("#field--company")).to_contain_text("Changed Ltd")
    expect(mine.locator("#note_form [name=body]")).to_have_value("Half a thought")


def test_a_selection_is_kept_while_the_list_waits(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit("/leads/?q=fischer"))
    mine.locator("[data-select-row]").first.check()
    rename(listens(ida.visit(path)), "Changed Ltd")
    # The page of the one who changed it has it; the other's waits for as long as something is selected.
    expect(mine.locator("[data-bulk-count]")).to_contain_text("1 selected")
    expect(mine.locator("#record_rows")).not_to_contain_text("Changed Ltd")
    mine.locator("[data-select-row]").first.uncheck()
    expect(mine.locator("#record_rows")).to_contain_text("Changed Ltd")


def test_the_second_page_of_a_list_stays_the_second(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    mine = olivia.visit("/leads/")
    mine.get_by_role("link", name="Next", exact=True).click()
    expect(mine).to_have_url(re.compile("cursor="))
    second = listens(mine).locator("[data-row-link]").first
    name, href = second.inner_text(), second.get_attribute("href")
    assert href is not None
    rename(listens(ida.visit(href[href.index("/leads/") :])), "Changed Ltd")
    expect(mine.locator("#record_rows")).to_contain_text("Changed Ltd")
    expect(mine.locator("[data-row-link]").first).to_have_text(name)


def test_a_deleted_record_says_so_once(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia = person("owner"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit(path))
    page = listens(ida.visit(path))
    page.get_by_role("link", name="Delete", exact=True).click()
    page.locator("#dialog").get_by_role("button", name="Delete").click()
    expect(mine.locator("[data-toast]", has_text="was deleted, or is no longer yours")).to_have_count(1)
    expect(mine.locator("h1")).to_contain_text("Fischer")


def test_a_hidden_tab_catches_up(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit(path))
    hide(mine, True)
    expect(mine.locator(LISTENS)).to_have_count(0)
    rename(listens(ida.visit(path)), "Changed Ltd")
    hide(mine, False)
    expect(mine.locator("#field--company")).to_contain_text("Changed Ltd")


def test_who_looks_and_who_types_is_seen(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit(path))
    expect(mine.locator(".presence-person")).to_have_count(0)
    theirs = listens(ida.visit(path))
    expect(mine.locator(".presence-person")).to_have_count(1)
    expect(theirs.locator(".presence-person")).to_have_count(1)
    theirs.locator("#note_form [name=body]").press_sequentially("Hello")
    expect(mine.locator(".presence-person")).to_contain_text("is typing a note…")
    theirs.goto("about:blank")
    expect(mine.locator(".presence-person")).to_have_count(0)


def test_a_restart_of_everything_in_between_misses_nothing(site: Site, person: Callable[..., Person]) -> None:
    """Redis forgets all it told, the web server is killed; the stream comes back, and so does what changed."""
    fill_sample(site)
    ida, olivia = person("agent"), person("manager")
    path = lead_of(ida, "Fischer")
    mine = listens(olivia.visit(path))
    site.kill("web")
    expect(mine.locator(LISTENS)).to_have_count(0)
    site.start("web")
    site.wait_until_up()
    rename(ida.visit(path), "After the restart")
    expect(mine.locator("#field--company")).to_contain_text("After the restart")
    listens(mine)
    # The browser writes each try at the dead server to its console.
    for one in (ida, olivia):
        one.complaints[:] = [text for text in one.complaints if "net::ERR" not in text]
    bell = redis.Redis.from_url(site.servers.settings.redis_url)
    hide(mine, True)
    rename(ida.visit(path), "While Redis forgot")
    bell.flushdb()
    hide(mine, False)
    expect(mine.locator("#field--company")).to_contain_text("While Redis forgot")


def hide(page: Page, hidden: bool) -> None:
    """As if another tab were chosen: two windows of one test browser are never hidden by each other."""
    state = "hidden" if hidden else "visible"
    page.evaluate(
        """([hidden, state]) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        [hidden, state],
    )
