"""A running product and real browsers. Every console error and every CSP violation fails the journey."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support.chromium import launch_chromium
from tests.support.servers import PASSWORD
from tests.support.site import Site, running_site
from tests.support.waiting import PATIENCE

# A refused form is answered 4xx on purpose; the browser writes that to the console as an error.
_EXPECTED = ("status of 422", "status of 409", "status of 404", "ERR_INTERNET_DISCONNECTED", "Failed to fetch")


expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with running_site(worker, tmp_path_factory.mktemp("logs")) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    """The product with nothing in it but two tenants and a person per role."""
    running.reset()
    return running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch_chromium(playwright)
        yield launched
        launched.close()


class Person:
    """Someone at a browser, signed in."""

    def __init__(self, site: Site, context: BrowserContext, tenant: str, *, script: bool) -> None:
        self.site, self.context, self.tenant, self.script = site, context, tenant, script
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def visit(self, path: str) -> Page:
        self.page.goto(self.site.url(self.tenant) + path)
        if self.script:
            self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page

    def sign_in(self, role: str) -> None:
        page = self.visit("/sign-in")
        page.fill("[name=email]", f"{role}@{self.tenant}.example")
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit], form button.btn-primary")
        page.wait_for_url("**/leads/**")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(expected in message.text for expected in _EXPECTED):
            self.complaints.append(message.text)


@pytest.fixture
def person(site: Site, browser: Browser) -> Iterator[Callable[..., Person]]:
    """`person("agent")`, `person("owner", tenant="globex", script=False, width=375, theme="dark")`."""
    everyone: list[Person] = []

    def make(
        role: str = "owner", *, tenant: str = "acme", script: bool = True, width: int = 1280, theme: str = "light"
    ) -> Person:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=script,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        made = Person(site, context, tenant, script=script)
        everyone.append(made)
        made.sign_in(role)
        return made

    yield make
    complaints = [complaint for one in everyone for complaint in one.complaints]
    for one in everyone:
        one.context.close()
    assert not complaints, complaints
