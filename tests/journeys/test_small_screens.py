"""What a phone shows: nothing wider than the screen, every panel within it, every field wide enough to type in."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Person
from tests.support.site import Site, fill_sample

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fits(page: Page, panel: Locator) -> None:
    """The panel stands within the screen, and the page is no wider than it."""
    expect(panel).to_be_visible()
    box, size = panel.bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    assert box["x"] >= 0, box
    assert box["y"] >= 0, box
    assert box["x"] + box["width"] <= size["width"], box
    assert box["y"] + box["height"] <= size["height"], box
    assert page.evaluate(WIDER) <= 0


def test_panels_stay_on_a_phones_screen(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("owner", width=375).visit("/leads/")
    for button in ("More filters", "Columns"):
        page.locator("summary", has_text=button).click()
        fits(page, page.locator("details.menu[open] > .menu-panel"))
        page.keyboard.press("Escape")
    page.get_by_label("Import and export").click()
    fits(page, page.locator("details.menu[open] > .menu-panel"))
    page.keyboard.press("Escape")
    page.locator("[data-select-row]").first.check()
    page.locator("#bulk summary").click()
    fits(page, page.locator("#bulk .menu-panel"))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Add lead").first.click()
    fits(page, page.locator("#dialog"))
    fits(page, page.locator("#dialog .form-actions"))


def test_a_conflict_in_place_leaves_room_to_type(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    mine, theirs = person("agent", width=375), person("manager")
    page = mine.visit("/leads/?q=Fischer")
    page.locator("[data-row-link]").first.click()
    page.get_by_role("link", name="Edit company").click()
    field = page.locator("form.is-open [name=company]")
    expect(field).to_be_focused()
    other = theirs.visit(page.url.removeprefix(site.url(mine.tenant)))
    other.get_by_role("link", name="Edit company").click()
    other.locator("form.is-open [name=company]").fill("Theirs Ltd")
    other.locator("form.is-open [name=company]").press("Enter")
    expect(other.locator("#field--company")).to_contain_text("Theirs Ltd")
    field.fill("Mine Ltd")
    field.press("Enter")
    fits(page, page.locator("form.is-open .notice"))
    box = page.locator("form.is-open [name=company]").bounding_box()
    assert box is not None
    assert box["width"] > 150


def test_an_amount_is_edited_with_its_currency(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent", width=375).visit("/leads/?q=Fischer")
    page.locator("[data-row-link]").first.click()
    page.get_by_role("link", name="Edit estimated value").click()
    amount = page.locator("form.is-open [name=estimated_value]")
    expect(amount).to_be_focused()
    amount.fill("1250.50")
    page.locator("form.is-open [name=currency]").select_option("EUR")
    amount.press("Enter")
    expect(page.locator("#field--estimated_value")).to_have_text("€1,250.50")
    expect(page.get_by_role("link", name="Edit estimated value")).to_be_focused()


def test_a_repeated_filter_outlives_another_and_headings_sort(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent").visit("/leads/?status=new&status=contacted")
    expect(page.locator(".chip")).to_have_count(1)
    page.locator("#filters [name=rating]").select_option("hot")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".chip").first).to_contain_text("New or Contacted")
    page.get_by_role("link", name="Lead", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Lead")
    expect(page.locator(".chip")).to_have_count(2)
