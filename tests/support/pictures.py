"""`make pictures`: the pictures of the README, taken from the running product with sample data."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app.config import ROOT
from tests.support.chromium import launch_chromium
from tests.support.servers import PASSWORD
from tests.support.site import Site, fill_sample, running_site

FOLDER = ROOT / "docs" / "pictures"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_site("pictures", Path(tempfile.mkdtemp())) as site, sync_playwright() as playwright:
        fill_sample(site)
        browser = launch_chromium(playwright)
        for width, theme in ((1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")):
            _take(site, browser, width, theme)
        browser.close()


def _take(site: Site, browser: Browser, width: int, theme: str) -> None:
    """Each main page once at this width and in this theme."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{site.url()}/sign-in")
    _shoot(page, "sign-in", width, theme)
    page.fill("[name=email]", "owner@acme.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads/**")
    _shoot(page, "leads", width, theme)
    page.locator("[data-row-link]").nth(2).click()
    page.wait_for_url("**/leads/*-*")
    _shoot(page, "lead", width, theme)
    page.goto(f"{site.url()}/leads/")
    page.get_by_role("link", name="Add lead").first.click()
    page.locator("#dialog form").wait_for()
    _shoot(page, "new-lead", width, theme)
    page.goto(f"{site.url()}/leads/imports/new")
    _shoot(page, "import", width, theme)
    for name, path in (
        ("people", "/people"),
        ("new-role", "/roles/new"),
        ("security", "/account/security"),
        ("audit", "/audit/"),
    ):
        page.goto(site.url() + path)
        _shoot(page, name, width, theme)
    context.close()


def _shoot(page: Page, name: str, width: int, theme: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}-{width}-{theme}.png", caret="initial")


if __name__ == "__main__":
    main()
