"""The picture of the first seed: dialog, submit, closes, the table refreshes, the row is there."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person

JOHN = {"first_name": "John", "last_name": "Doe", "email": "john@example.com", "company": "Acme Corp"}


def add_lead(page: Page, **typed: str) -> None:
    page.get_by_role("link", name="Add lead").first.click()
    dialog = page.locator("#dialog")
    for name, text in typed.items():
        dialog.locator(f"[name={name}]").fill(text)
    dialog.get_by_role("button", name="Add lead").click()


def test_john_doe_appears_at_once_and_only_here(person: Callable[..., Person]) -> None:
    here, elsewhere = person("agent"), person("owner", tenant="globex")
    page = here.visit("/leads/")
    add_lead(page, **JOHN)
    expect(page.locator("#dialog")).to_be_hidden()
    row = page.locator("#record_rows tr", has_text="John Doe")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Acme Corp")
    expect(page.locator("#toasts")).to_contain_text("John Doe was added")
    assert page.url.endswith("/leads/"), "the list stays where it is"

    other = elsewhere.visit("/leads/")
    expect(other.get_by_text("No leads yet")).to_be_visible()
    expect(other.get_by_text("John Doe")).to_have_count(0)


def test_a_refused_lead_returns_with_what_was_typed(person: Callable[..., Person]) -> None:
    page = person("agent").visit("/leads/")
    add_lead(page, **JOHN)
    expect(page.locator("#record_rows tr")).to_have_count(1)
    add_lead(page, first_name="Jane", email="not an address")
    dialog = page.locator("#dialog")
    expect(dialog.locator("[data-error-summary]")).to_be_focused()
    expect(dialog.locator("[name=first_name]")).to_have_value("Jane")
    expect(dialog.locator("[name=email]")).to_have_value("not an address")
    expect(page.locator("#record_rows tr")).to_have_count(1)


def test_a_possible_duplicate_is_pointed_out_while_typing(person: Callable[..., Person]) -> None:
    page = person("agent").visit("/leads/")
    add_lead(page, **JOHN)
    expect(page.locator("#record_rows tr")).to_have_count(1)
    page.get_by_role("link", name="Add lead").first.click()
    page.locator("#dialog [name=email]").fill("JOHN@example.com")
    expect(page.locator("#similar")).to_contain_text("John Doe")


def test_without_script(person: Callable[..., Person]) -> None:
    page = person("agent", script=False).visit("/leads/")
    page.get_by_role("link", name="Add lead").first.click()
    for name, text in JOHN.items():
        page.locator(f"[name={name}]").fill(text)
    page.get_by_role("button", name="Add lead").click()
    expect(page.locator("h1")).to_have_text("John Doe")
    page.get_by_role("link", name="Edit company").click()
    page.locator("[name=company]").fill("Beta Ltd")
    page.get_by_role("button", name="Save company").click()
    expect(page.locator("h1")).to_have_text("John Doe")
    expect(page.locator("main")).to_contain_text("Beta Ltd")
    page.locator("[name=body]").fill("**Call** on Monday")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline strong", has_text="Call")).to_have_count(1)
    page.get_by_role("link", name="Delete").first.click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("John Doe was deleted")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#record_rows tr")).to_have_count(1)
    page.locator("[name=q]").fill("joh")
    page.keyboard.press("Enter")
    expect(page.locator("#record_rows tr")).to_have_count(1)
