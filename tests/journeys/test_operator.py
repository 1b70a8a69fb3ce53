"""An operator at a browser: an organisation made and joined by mail, suspended in somebody's open page; settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.core import db as database
from tests.journeys.conftest import Person
from tests.journeys.test_accessibility import PLACES, violations
from tests.journeys.test_small_screens import WIDER
from tests.support import console, mailbox
from tests.support.site import Site

Operator = Callable[..., Page]


@pytest.fixture
def operator(site: Site, browser: Browser) -> Iterator[Operator]:
    """`operator()` is the console at a browser, signed in; nothing may be wrong in its console."""
    app = create_app(site.servers.settings)
    secret = console.add_operator(app)
    with app.app_context():
        database.db.engine.dispose()
    contexts, complaints = [], []

    def make(width: int = 1280, theme: str = "light") -> Page:
        with psycopg.connect(database.libpq_url(site.servers.admin_url), autocommit=True) as admin:
            console.forget_codes(admin)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{site.address}/operator/")
        page.fill("[name=email]", console.EMAIL)
        page.fill("[name=password]", console.PASSWORD)
        page.fill("[name=code]", console.code(secret))
        page.keyboard.press("Enter")
        page.wait_for_url("**/operator/tenants")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints, complaints


def test_an_organisation_is_made_and_its_owner_joins(site: Site, operator: Operator, browser: Browser) -> None:
    mailbox.clear(site.servers.settings.mail_dir)
    page = operator()
    page.get_by_role("link", name="Add organisation").click()
    for name, text in (
        ("name", "Initech"),
        ("slug", "initech"),
        ("zone", "berlin"),
        ("owner_name", "Ada Byron"),
        ("owner_email", "ada@initech.example"),
    ):
        page.fill(f"[name={name}]", text)
    page.get_by_role("button", name="Add and invite").click()
    page.wait_for_url("**/operator/tenants/*-*")
    expect(page.locator("h1")).to_have_text("Initech")
    expect(page.locator("#owners")).to_contain_text("Invited")
    mail = mailbox.wait(site.servers.settings.mail_dir, "ada@initech.example")
    context = browser.new_context()
    ada = context.new_page()
    ada.goto(mailbox.links_in(mail)[0])
    ada.fill("[name=password]", "violet engine numbers 1843")
    ada.get_by_role("button", name="Join").click()
    ada.wait_for_url("**/t/initech/leads/**")
    ada.goto(f"{site.url('initech')}/settings/organisation")
    expect(ada.locator("[name=zone]")).to_have_value("Europe/Berlin")
    page.reload()
    expect(page.locator("#owners")).to_contain_text("Joined")
    context.close()


def test_an_open_browser_gets_the_page(site: Site, operator: Operator, person: Callable[..., Person]) -> None:
    someone = person("agent")
    page = operator()
    page.get_by_role("link", name="Acme").click()
    page.get_by_role("link", name="Suspend").click()
    page.fill("[name=reason]", "The bill was not paid.")
    page.locator("main form").get_by_role("button", name="Suspend").click()
    expect(page.locator(".page-lead").first).to_contain_text("Suspended")
    refused = someone.page.goto(f"{site.url()}/leads/")
    assert refused is not None
    assert refused.status == 403
    expect(someone.page.locator("main")).to_contain_text("This organisation is suspended")
    assert not violations(someone.page)
    page.get_by_role("button", name="Resume").click()
    page.locator("dialog [data-confirm-yes]").click()
    expect(page.locator(".page-lead").first).to_contain_text("Active")
    someone.visit("/leads/")
    expect(someone.page.locator("h1")).to_have_text("Leads")
    # The browser writes the refusal to its console.
    someone.complaints[:] = [line for line in someone.complaints if "403" not in line]


def test_changed_settings_are_seen_at_once(site: Site, person: Callable[..., Person]) -> None:
    owner, agent = person("owner"), person("agent")
    page = owner.visit("/settings/organisation")
    page.fill("[name=name]", "Acme Works")
    page.locator("#organisation_form .form-actions button").click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    expect(page.locator(".sidebar-foot")).to_have_text("Acme Works")
    agent.page.reload()
    expect(agent.page.locator(".sidebar-foot")).to_have_text("Acme Works")


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_the_consoles_pages_are_for_everybody(site: Site, operator: Operator, width: int, theme: str) -> None:
    page = operator(width, theme)
    tenant = page.locator("[data-row-link]").first.get_attribute("href") or ""
    problems: dict[str, Any] = {}
    for path in (
        "/operator/tenants",
        "/operator/tenants?q=nothing",
        "/operator/tenants/new",
        tenant,
        f"{tenant}/suspend",
        "/operator/operators",
        "/operator/events",
    ):
        page.goto(site.address + path)
        problems[path] = violations(page)
        assert page.evaluate(WIDER) <= 0, path
    page.context.clear_cookies()
    page.goto(f"{site.address}/operator/sign-in")
    problems["sign-in"] = violations(page)
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}
