"""A link that arrives by mail: sent by the running worker, read from its folder, opened in the browser."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.support.mailbox import html_of, links_in
from tests.support.site import Site


def test_a_forgotten_password_by_mail(site: Site, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url() + "/forgot-password")
    page.fill("[name=email]", "agent@acme.example")
    page.keyboard.press("Enter")
    mail = site.mail("agent@acme.example", "password")
    (link,) = links_in(mail)
    assert link.startswith(site.url() + "/"), "the address of the installation, whoever asked how"
    assert link in html_of(mail)
    page.goto(link)
    expect(page.locator("input[type=password]").first).to_be_visible()
    context.close()
