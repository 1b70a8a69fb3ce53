"""axe on every page, in both themes, on a phone and on a desk: no violation of WCAG 2.2 A and AA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page

from app.config import ROOT
from app.leads import sample
from tests.journeys.conftest import Person
from tests.support.servers import PASSWORD
from tests.support.site import Site, fill_sample

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
# What is fine is not told: to carry all of it out of the browser takes five times as long as to find it.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# Both sizes and both themes, each once: axe takes a second a page, and `make test` is to take minutes.
PLACES = [(1280, "light"), (375, "dark")]


def violations(page: Page) -> list[str]:
    """What axe says of the page as it stands, a line each."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate("async rules => (await axe.run(document, rules)).violations", RULES)
    return [f"{item['id']}: {item['help']}: {node['html'][:160]}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_on_any_page(
    site: Site, person: Callable[..., Person], tmp_path: Path, width: int, theme: str
) -> None:
    someone = person("owner", width=width, theme=theme)
    problems: dict[str, list[str]] = {"empty list": violations(someone.visit("/leads/"))}
    fill_sample(site)
    page = someone.visit("/leads/")
    problems["list"] = violations(page)
    lead = page.locator("[data-row-link]").first.get_attribute("href") or ""
    lead = lead.removeprefix(f"/t/{someone.tenant}")
    for path in (
        "/leads/?q=zzzz",
        f"/leads/?tags={sample.TAG}&status=new&sort=name",
        "/leads/new",
        "/leads/views/new",
        "/leads/imports",
        "/leads/imports/new",
        lead,
        f"{lead}/edit",
        f"{lead}/delete",
        f"{lead}/move?to=lost",
        f"{lead}/fields/company/edit",
        "/leads/00000000-0000-7000-8000-000000000000",
        "/settings/organisation",
        "/settings/desk",
        "/settings/mailboxes/",
        "/settings/mailboxes/new",
        "/settings/mailboxes/mail",
        "/settings/agents",
        "/account/availability",
        "/leads/board",
        "/leads/board?by=rating",
        "/tickets/board",
        "/tickets/?queue=mine",
        "/notices/",
        "/notices/?show=unread",
        "/audit/",
        "/audit/?record=nonsense",
        "/privacy/",
        "/settings/single-sign-on/",
        "/settings/single-sign-on/new",
        "/api/docs",
    ):
        problems[path] = violations(someone.visit(path))
    problems["import mapping"] = violations(_upload(someone, tmp_path))
    problems["dialog"] = violations(_open_dialog(someone))
    problems["dialog with errors"] = violations(_refused_dialog(someone))
    someone.context.clear_cookies()
    problems["sign-in"] = violations(someone.visit("/sign-in"))
    someone.page.goto(f"{site.address}/")
    problems["choose organisation"] = violations(someone.page)
    someone.page.goto(f"{site.url('nobody')}/leads/")
    problems["unknown organisation"] = violations(someone.page)
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_where_something_was_refused_or_made(
    site: Site, person: Callable[..., Person], width: int, theme: str
) -> None:
    someone = person("owner", width=width, theme=theme)
    problems: dict[str, list[str]] = {}
    page = someone.visit("/settings/single-sign-on/new")
    page.locator("main form button.btn-primary").last.click()
    page.locator("[data-error-summary]").wait_for()
    problems["provider refused"] = violations(page)
    problems["no token"] = violations(someone.visit("/account/tokens"))
    page = someone.visit("/account/tokens/new")
    problems["new token"] = violations(page)
    page.get_by_role("button", name="Make the token").click()
    page.locator("[data-error-summary]").wait_for()
    problems["token refused"] = violations(page)
    page.fill("[name=name]", "Nightly")
    page.locator("[name=scopes]").first.check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("heading", name="Your new token").wait_for()
    problems["token shown once"] = violations(page)
    problems["tokens"] = violations(someone.visit("/account/tokens"))
    page = someone.visit("/privacy/")
    page.fill("[name=address]", "viewer@acme.example")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("heading", name="What is kept of viewer@acme.example").wait_for()
    problems["found person"] = violations(page)
    page.get_by_role("button", name="Erase for good").click()
    page.locator("[data-error-summary]").wait_for()
    problems["erasure refused"] = violations(page)
    someone.context.clear_cookies()
    page = someone.visit("/sign-in")
    page.fill("[name=email]", "viewer@acme.example")
    page.fill("[name=password]", "not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-error-summary]").wait_for()
    problems["sign-in refused"] = violations(page)
    page = someone.visit("/forgot-password")
    page.fill("[name=email]", "viewer@acme.example")
    page.get_by_role("button", name="Send the link").click()
    page.wait_for_url("**/sign-in")
    problems["link sent"] = violations(page)
    page.goto(f"{site.address}/operator/sign-in")
    problems["operator sign-in"] = violations(page)
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_in_ones_own_account(site: Site, person: Callable[..., Person], width: int, theme: str) -> None:
    someone = person("agent", width=width, theme=theme)
    problems = {path: violations(someone.visit(path)) for path in ("/account/sessions", "/account/confirm")}
    page = someone.visit("/account/security")
    problems["no second factor"] = violations(page)
    page.get_by_role("button", name="Set up an authenticator app").click()
    page.wait_for_url("**/account/security/authenticator")
    problems["picture"] = violations(page)
    phone = pyotp.parse_uri(page.locator("a[href^='otpauth:']").get_attribute("href") or "")
    page.fill("[name=code]", "000000")
    page.get_by_role("button", name="Confirm").click()
    page.locator("[data-error-summary]").wait_for()
    problems["wrong code"] = violations(page)
    page.fill("[name=code]", phone.now())  # type: ignore[union-attr]
    page.get_by_role("button", name="Confirm").click()
    page.locator(".recovery-codes").wait_for()
    problems["recovery codes"] = violations(page)
    problems["second factor"] = violations(someone.visit("/account/security"))
    someone.context.clear_cookies()
    page = someone.visit("/sign-in")
    page.fill("[name=email]", "agent@acme.example")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/sign-in/second-factor")
    problems["code asked for"] = violations(page)
    page.get_by_role("link", name="Use a recovery code").click()
    problems["recovery code asked for"] = violations(page)
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}


def _upload(someone: Person, folder: Path) -> Page:
    file = folder / "people.csv"
    file.write_text("first_name,last_name,email\nAda,Byron,ada@example.com\n")
    page = someone.visit("/leads/imports/new")
    page.set_input_files("input[type=file]", file)
    page.locator("main form button.btn-primary").click()
    page.wait_for_url("**/leads/imports/*-*")
    return page


def _open_dialog(someone: Person) -> Page:
    page = someone.visit("/leads/")
    page.get_by_role("link", name="Add lead").first.click()
    page.locator("#dialog form").wait_for()
    return page


def _refused_dialog(someone: Person) -> Page:
    someone.page.locator("#dialog [name=email]").fill("nope")
    someone.page.locator("#dialog").get_by_role("button", name="Add lead").click()
    someone.page.locator("#dialog [data-error-summary]").wait_for()
    return someone.page
