"""An owner sets single sign-on up, somebody comes in by it in a real browser, and signs out of both."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.oidc_provider import OidcProvider
from tests.support.servers import PASSWORD
from tests.support.site import Site, running_site


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    made = OidcProvider(tmp_path_factory.mktemp("oidc") / "provider.log")
    made.start()
    made.reset()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def sso_site(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A product that may reach the provider of the tests."""
    worker = f"sso{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with running_site(worker, tmp_path_factory.mktemp("logs"), OUTBOUND_PRIVATE_HOSTS=provider.host) as site:
        yield site


class Visitor:
    """A browser of its own whose complaints are kept."""

    def __init__(self, browser: Browser, *, script: bool = True, width: int = 1280) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )


def set_up(page: Page, site: Site, provider: OidcProvider) -> None:
    page.goto(f"{site.url()}/sign-in")
    page.fill("[name=email]", "owner@acme.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads/**")
    page.goto(f"{site.url()}/settings/single-sign-on/new")
    for name, text in {
        "name": "Idp",
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "domains": "idp.example",
    }.items():
        page.fill(f"[name={name}]", text)
    page.fill("#group_1", "sales")
    page.select_option("#role_1", "manager")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("its keys can be read")).to_be_visible()
    told = page.locator("dl.facts").inner_text().split()
    callback = next(word for word in told if word.endswith("/callback"))
    provider.allow(callback, after_sign_out=(next(word for word in told if word.endswith("/sign-in")),))


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_in_and_out_by_the_provider(browser: Browser, sso_site: Site, provider: OidcProvider, script: bool) -> None:
    sso_site.reset()
    provider.reset()
    owner = Visitor(browser)
    set_up(owner.page, sso_site, provider)
    ada = Visitor(browser, script=script, width=375)
    page = ada.page
    page.goto(f"{sso_site.url()}/leads/?q=x")
    page.get_by_role("link", name="Continue with Idp").click()
    expect(page.get_by_role("heading", name="Sign in at the provider")).to_be_visible()
    page.fill("[name=login]", "ada")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{sso_site.url()}/leads/?q=x")
    page.goto(f"{sso_site.url()}/profile")
    expect(page.locator("[name=name]")).to_have_value("Ada Lovelace")
    owner.page.goto(f"{sso_site.url()}/people?q=ada")
    expect(owner.page.locator("main")).to_contain_text("Manager")

    sign_out = page.locator("form[action$='/sign-out'] button")
    if not sign_out.is_visible():
        page.locator("details:has(form[action$='/sign-out']) > summary").first.click()
    sign_out.click()
    expect(page.get_by_role("button", name="Yes, sign out")).to_be_visible()
    page.get_by_role("button", name="Yes, sign out").click()
    page.wait_for_url(f"{sso_site.url()}/sign-in")
    page.get_by_role("link", name="Continue with Idp").click()
    expect(page.get_by_role("heading", name="Sign in at the provider")).to_be_visible()
    assert not ada.complaints + owner.complaints
    for one in (owner, ada):
        one.context.close()


def test_refused_at_the_provider(browser: Browser, sso_site: Site, provider: OidcProvider) -> None:
    sso_site.reset()
    provider.reset()
    owner = Visitor(browser)
    set_up(owner.page, sso_site, provider)
    bob = Visitor(browser)
    bob.page.goto(f"{sso_site.url()}/sign-in")
    bob.page.get_by_role("link", name="Continue with Idp").click()
    bob.page.get_by_role("button", name="Refuse").click()
    expect(bob.page.get_by_role("heading", name="Sign-in did not work")).to_be_visible()
    bob.page.get_by_role("link", name="Back to sign-in").click()
    expect(bob.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    for one in (owner, bob):
        one.context.close()
