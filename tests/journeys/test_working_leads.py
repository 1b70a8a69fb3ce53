"""A day's work with leads: search, filters, inline edits, conflicts, status, notes, bulk, undo, keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person
from tests.support.site import Site, fill_sample

ROWS = "#record_rows tr"
# Resolves once the draft is in storage; the page's policy allows no string to be evaluated by itself.
DRAFT_IS_KEPT = """() => new Promise(done => {
  const kept = () => Object.keys(localStorage).some(key => key.startsWith('fairlead.draft'));
  const look = () => kept() ? done() : setTimeout(look, 20);
  look();
})"""


def open_lead(someone: Person, name: str) -> Page:
    page = someone.visit(f"/leads/?q={name}")
    page.locator("[data-row-link]").first.click()
    expect(page.locator("h1")).to_contain_text(name.split()[-1])
    return page


def test_search_and_filters_narrow_the_list_and_stand_in_the_address(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent").visit("/leads/")
    expect(page.locator(ROWS)).to_have_count(20)
    page.locator("[name=q]").fill("fischer")
    expect(page).to_have_url(re.compile(r"q=fischer"))
    expect(page.locator(f"{ROWS} [data-row-link]", has_text="Fischer").first).to_be_visible()
    page.locator("[name=q]").fill("")
    expect(page.locator(ROWS)).to_have_count(20)
    page.locator("#filters [name=status]").select_option("qualified")
    expect(page).to_have_url(re.compile(r"status=qualified"))
    expect(page.locator(ROWS, has_text="Contacted")).to_have_count(0)
    shown = page.locator(ROWS).count()
    page.reload()
    expect(page.locator(ROWS)).to_have_count(shown)
    page.get_by_role("link", name=re.compile("Remove the filter Status")).click()
    expect(page.locator(ROWS)).to_have_count(20)


def test_paging_forwards_and_back(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("viewer").visit("/leads/")
    first = page.locator("[data-row-link]").all_inner_texts()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page).to_have_url(re.compile("cursor="))
    expect(page.locator("[data-row-link]").first).not_to_have_text(first[0])
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(8)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(ROWS)).to_have_count(20)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("[data-row-link]").first).to_have_text(first[0])
    page.go_back()
    expect(page.locator("[data-row-link]").first).not_to_have_text(first[0])


def test_inline_edit_and_the_timeline_tells(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = open_lead(person("agent"), "Fischer")
    page.get_by_role("link", name="Edit company").click()
    field = page.locator("form.is-open [name=company]")
    expect(field).to_be_focused()
    field.fill("Changed Ltd")
    field.press("Enter")
    expect(page.locator("#field--company")).to_contain_text("Changed Ltd")
    expect(page.locator("#timeline_items")).to_contain_text("Changed Ltd")
    page.get_by_role("link", name="Edit e-mail").click()
    page.locator("form.is-open [name=email]").fill("broken")
    page.locator("form.is-open [name=email]").press("Enter")
    expect(page.locator("form.is-open .field-error")).to_contain_text("is not an e-mail address")
    page.locator("form.is-open [name=email]").press("Escape")
    expect(page.locator("form.is-open")).to_have_count(0)


def test_two_people_edit_one_lead_and_both_versions_are_shown(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    mine, theirs = person("agent"), person("manager")
    page, other = open_lead(mine, "Fischer"), open_lead(theirs, "Fischer")
    page.get_by_role("link", name="Edit company").click()
    page.locator("form.is-open [name=company]").fill("Mine Ltd")
    other.get_by_role("link", name="Edit company").click()
    other.locator("form.is-open [name=company]").fill("Theirs Ltd")
    other.locator("form.is-open [name=company]").press("Enter")
    expect(other.locator("#field--company")).to_contain_text("Theirs Ltd")
    page.locator("form.is-open [name=company]").press("Enter")
    expect(page.locator("form.is-open")).to_contain_text("Mary Acme changed this lead")
    expect(page.locator("form.is-open")).to_contain_text("Theirs Ltd")
    expect(page.locator("form.is-open [name=company]")).to_have_value("Mine Ltd")
    page.get_by_role("button", name="Save company").click()
    expect(page.locator("#field--company")).to_contain_text("Mine Ltd")


def test_a_conflict_in_the_whole_form_offers_a_choice(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    mine, theirs = person("agent"), person("manager")
    page, other = open_lead(mine, "Fischer"), open_lead(theirs, "Fischer")
    for window, city in ((page, "Minetown"), (other, "Theirville")):
        window.get_by_role("link", name="Edit", exact=True).click()
        window.locator("#dialog [name=city]").fill(city)
    other.locator("#dialog").get_by_role("button", name="Save").click()
    expect(other.locator("#field--city")).to_contain_text("Theirville")
    page.locator("#dialog").get_by_role("button", name="Save").click()
    conflict = page.locator("#dialog form.conflict")
    expect(conflict).to_contain_text("Minetown")
    expect(conflict).to_contain_text("Theirville")
    conflict.get_by_role("button", name="Take all of theirs").click()
    conflict.get_by_role("button", name="Save what is chosen").click()
    expect(page.locator("#field--city")).to_contain_text("Theirville")


def test_status_with_a_reason_and_a_note(site: Site, person: Callable[..., Person]) -> None:
    page = person("agent").visit("/leads/new")
    page.locator("[name=last_name]").fill("Reason")
    page.get_by_role("button", name="Add lead").click()
    expect(page.locator("h1")).to_have_text("Reason")
    page.get_by_role("button", name="Contacted").click()
    expect(page.locator("#record_summary .badge")).to_have_text("Contacted")
    page.get_by_role("link", name="Lost…").click()
    page.locator("#dialog").get_by_role("button", name="Move to Lost").click()
    expect(page.locator("#dialog [data-error-summary]")).to_contain_text("Lost needs a reason")
    page.locator("#dialog [name=reason]").fill("Too expensive")
    page.locator("#dialog").get_by_role("button", name="Move to Lost").click()
    expect(page.locator("#record_summary .badge")).to_have_text("Lost")
    expect(page.locator("#timeline_items")).to_contain_text("Too expensive")
    page.locator("#note_form [name=body]").fill("<script>alert(1)</script> **strong**")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#timeline_items .prose strong")).to_have_text("strong")
    expect(page.locator("#note_form [name=body]")).to_have_value("")


def test_bulk_delete_asks_and_can_be_undone(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent").visit("/leads/")
    boxes = page.locator("[data-select-row]")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_contain_text("3")
    names = page.locator("[data-row-link]").all_inner_texts()[:3]
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    expect(page.locator("#dialog")).to_contain_text("Delete 3 leads?")
    page.locator("#dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#toasts")).to_contain_text("3 leads deleted")
    expect(page.locator("[data-row-link]", has_text=names[0])).to_have_count(0)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("3 leads restored")
    expect(page.locator("[data-row-link]").first).to_have_text(names[0])


def test_bulk_tag_of_everything_that_matches(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent").visit("/leads/?tags=sample")
    page.locator("[data-select-all]").check()
    page.locator("[data-select-matching]").click()
    page.locator("#bulk summary").click()
    page.locator("#bulk_tags").fill("fair2026")
    page.locator("#bulk").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("48 leads changed")


def test_a_saved_view_comes_back_as_a_tab(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    someone = person("manager")
    page = someone.visit("/leads/?status=qualified&sort=name")
    page.get_by_role("link", name="Save this view").click()
    page.locator("#dialog [name=name]").fill("Hot ones")
    page.locator("#dialog [name=shared]").check()
    page.locator("#dialog").get_by_role("button", name="Save view").click()
    expect(page.get_by_role("link", name="Hot ones")).to_be_visible()
    other = person("viewer").visit("/leads/")
    other.get_by_role("link", name="Hot ones").click()
    expect(other).to_have_url(re.compile("status=qualified"))


def test_keys(site: Site, person: Callable[..., Person]) -> None:
    fill_sample(site)
    page = person("agent").visit("/leads/")
    page.keyboard.press("/")
    expect(page.locator("[name=q]")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("c")
    expect(page.locator("#dialog form")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("[data-row-link]").nth(1).inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(second)


def test_what_was_typed_survives_a_closed_tab(person: Callable[..., Person]) -> None:
    someone = person("agent")
    page = someone.visit("/leads/new")
    page.locator("[name=last_name]").fill("Unsaved")
    page.locator("[name=company]").fill("Draft Ltd")
    page.evaluate(DRAFT_IS_KEPT)
    page.close()
    someone.page = someone.context.new_page()
    page = someone.visit("/leads/new")
    expect(page.locator("[name=last_name]")).to_have_value("Unsaved")
    expect(page.locator(".draft-notice")).to_be_visible()


def test_nothing_is_lost_when_the_connection_is(person: Callable[..., Person]) -> None:
    someone = person("agent")
    page = someone.visit("/leads/")
    page.get_by_role("link", name="Add lead").first.click()
    page.locator("#dialog [name=last_name]").fill("Offline")
    someone.context.set_offline(True)
    page.locator("#dialog").get_by_role("button", name="Add lead").click()
    expect(page.locator("#connection")).to_contain_text(re.compile("connection|offline|reach", re.IGNORECASE))
    someone.context.set_offline(False)
    expect(page.locator("#dialog [name=last_name]")).to_have_value("Offline")
