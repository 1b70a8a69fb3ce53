"""The front door: password, lock-out, second factor, passkeys, sessions, and what was typed when a session ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.core import db as database
from tests.journeys.conftest import Person
from tests.support.servers import PASSWORD
from tests.support.site import Site

AGENT = "agent@acme.example"


class Visitor:
    """Somebody at a browser who is not signed in. Passkeys need a name, so the address is localhost."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.context, self.page = context, context.new_page()
        self.base = site.url("acme").replace("127.0.0.1", "localhost")
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def visit(self, path: str) -> Page:
        self.page.goto(self.base + path)
        self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page

    def type_password(self, password: str = PASSWORD, email: str = AGENT) -> Page:
        page = self.visit("/sign-in")
        page.fill("[name=email]", email)
        page.fill("[name=password]", password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        return page

    def sign_in(self) -> Page:
        page = self.type_password()
        page.wait_for_url("**/leads/**")
        return page

    def sign_out(self) -> None:
        self.page.locator(".user-button").click()
        self.page.get_by_role("button", name="Sign out", exact=True).click()
        self.page.wait_for_url("**/sign-in")

    def _hear(self, message: Any) -> None:
        expected = ("status of 422", "status of 401", "status of 404", "status of 400")
        if message.type == "error" and not any(text in message.text for text in expected):
            self.complaints.append(message.text)


@pytest.fixture
def visitor(site: Site, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    everybody: list[Visitor] = []

    def make(width: int = 1280) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", accept_downloads=True
        )
        everybody.append(Visitor(site, context))
        return everybody[-1]

    yield make
    complaints = [complaint for one in everybody for complaint in one.complaints]
    for one in everybody:
        one.context.close()
    assert not complaints, complaints


@pytest.fixture
def authenticator() -> Callable[[Visitor], Any]:
    """Gives the visitor's browser a virtual authenticator that says yes."""

    def plug_in(who: Visitor) -> Any:
        cdp = who.context.new_cdp_session(who.page)
        cdp.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        return cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    return plug_in


def phone_on(page: Page) -> pyotp.TOTP:
    """The authenticator app that scanned the page's picture."""
    address = page.locator("a[href^='otpauth:']").get_attribute("href") or ""
    found = pyotp.parse_uri(address)
    assert isinstance(found, pyotp.TOTP)
    return found


def set_up_authenticator(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    page.get_by_role("button", name="Set up an authenticator app").click()
    page.wait_for_url("**/account/security/authenticator")
    expect(page.locator("svg.qr-code")).to_be_visible()
    phone = phone_on(page)
    page.fill("[name=code]", code_of(phone, -1))
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    return phone, page.locator(".recovery-codes code").all_inner_texts()


def code_of(phone: pyotp.TOTP, steps: int) -> str:
    """The code of a step beside now: each is taken once."""
    from datetime import timedelta

    from app.core.clock import now

    return phone.at(now() + timedelta(seconds=30 * steps))


def test_password_then_authenticator_then_recovery_code(visitor: Callable[..., Visitor]) -> None:
    who = visitor()
    who.sign_in()
    page = who.visit("/account/security")
    phone, codes = set_up_authenticator(page)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download as text").click()
    assert downloading.value.path().read_text().split() == codes
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("#codes")).to_contain_text("10 codes are left")
    who.sign_out()
    page = who.type_password()
    page.wait_for_url("**/sign-in/second-factor")
    expect(page.locator("[name=code]")).to_be_focused()
    page.fill("[name=code]", "000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.fill("[name=code]", code_of(phone, 0))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/leads/**")
    who.sign_out()
    page = who.type_password()
    page.get_by_role("link", name="Use a recovery code").click()
    page.fill("[name=recovery_code]", codes[0])
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/leads/**")
    expect(who.visit("/account/security").locator("#codes")).to_contain_text("9 codes are left")


def test_a_passkey_is_added_and_is_enough_and_is_a_second_factor(
    visitor: Callable[..., Visitor], authenticator: Callable[[Visitor], Any]
) -> None:
    who = visitor()
    authenticator(who)
    who.sign_in()
    page = who.visit("/account/security")
    page.fill("#new-name", "Test laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("#passkeys")).to_contain_text("not used yet")
    expect(page.locator("#passkeys .row-line [name=name]")).to_have_value("Test laptop")
    who.sign_out()
    page.locator("html[data-ready]").wait_for(state="attached")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/leads/**")
    page = who.visit("/account/sessions")
    expect(page.locator("[data-session]").first).to_contain_text("Passkey")
    who.sign_out()
    page = who.type_password()
    page.wait_for_url("**/sign-in/second-factor")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/leads/**")
    page = who.visit("/account/security")
    page.get_by_role("button", name="Remove the passkey Test laptop").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(page.locator("#passkeys .row-line")).to_have_count(0)


def test_a_browser_without_a_passkey_is_told_so(visitor: Callable[..., Visitor], authenticator: Any) -> None:
    who = visitor()
    authenticator(who)
    page = who.visit("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-passkey-problem]")).to_contain_text("No passkey was used")


def test_without_webauthn_there_are_no_passkey_buttons(visitor: Callable[..., Visitor]) -> None:
    who = visitor()
    who.page.add_init_script("delete window.PublicKeyCredential")
    page = who.visit("/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()


def test_lock_out_its_mail_and_unlocking(
    site: Site, visitor: Callable[..., Visitor], person: Callable[..., Person]
) -> None:
    administrator = person("owner")
    who = visitor()
    for _ in range(5):
        page = who.type_password("guess")
        expect(page.locator("[data-error-summary]")).to_contain_text("wait a few minutes, or set a new password")
    page = who.type_password()
    expect(page.locator("[data-error-summary]")).to_contain_text("wait a few minutes, or set a new password")
    with psycopg.connect(database.libpq_url(site.servers.admin_url), autocommit=True) as admin:
        (user_id,) = admin.execute("select id from users where email = %s", (AGENT,)).fetchone() or ("",)
        for _ in range(100):
            told = admin.execute("select to_address from outgoing_mails where template = 'accounts/locked'").fetchall()
            if told:
                break
            page.wait_for_timeout(100)  # the worker's turn
        assert told == [(AGENT,)]
    page = administrator.visit(f"/people/{user_id}")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#toasts")).to_contain_text("They can try to sign in again.")
    who.sign_in()


def test_sessions_are_listed_and_ended(visitor: Callable[..., Visitor], site: Site) -> None:
    here, there = visitor(), visitor(width=375)
    here.sign_in()
    there.sign_in()
    page = here.visit("/account/sessions")
    expect(page.locator("[data-session]")).to_have_count(2)
    expect(page.locator("[data-session]").first).to_contain_text("This browser")
    expect(page.locator("[data-session]").last).to_contain_text(re.compile(r"Chrome.* on Linux"))
    page.get_by_role("button", name=re.compile("^Sign out Head|^Sign out Chrom")).click()
    expect(page.locator("[data-session]")).to_have_count(1)
    there.page.goto(there.base + "/leads/")
    expect(there.page.locator("h1")).to_have_text("Sign in to Acme")


@pytest.mark.parametrize("as_page", [False, True], ids=["dialog", "page"])
@pytest.mark.parametrize("cookie_kept", [True, False], ids=["ended on the server", "cookie gone"])
def test_a_session_that_ends_while_someone_types_loses_nothing(
    site: Site, visitor: Callable[..., Visitor], as_page: bool, cookie_kept: bool
) -> None:
    who = visitor()
    who.sign_in()
    if as_page:
        page = who.visit("/leads/new")
        # As a browser posts it that htmx does not help.
        page.evaluate(
            "() => document.querySelectorAll('form[hx-post]').forEach((form) => {"
            " const plain = form.cloneNode(true);"
            " for (const name of form.getAttributeNames()) if (name.startsWith('hx-')) plain.removeAttribute(name);"
            " form.replaceWith(plain); htmx.process(plain); document.dispatchEvent(new Event('htmx:after:swap')); })"
        )
    else:
        page = who.visit("/leads/")
        page.get_by_role("link", name="Add lead").first.click()
    page.locator("[name=first_name]").fill("Grace")
    page.locator("[name=last_name]").fill("Hopper")
    page.locator("[name=company]").fill("Navy")
    if cookie_kept:
        with psycopg.connect(database.libpq_url(site.servers.admin_url), autocommit=True) as admin:
            admin.execute("delete from user_sessions")
        import redis

        redis.Redis.from_url(site.servers.settings.redis_url).flushdb()
    else:
        who.context.clear_cookies()
    page.locator("form:has([name=last_name])").get_by_role("button", name="Add lead").click()
    if cookie_kept:
        page.wait_for_url(re.compile(r"/sign-in\?next="))
    else:
        expect(page.locator("h1, #toasts .toast-text").first).to_be_visible()
        page.wait_for_load_state()
        back = "/leads/new" if as_page else "/leads/"
        page = who.visit(back)
        page.wait_for_url(re.compile(r"/sign-in\?next="))
    page.locator("html[data-ready]").wait_for(state="attached")
    page.fill("[name=email]", AGENT)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/leads/new" if as_page else "**/leads/")
    if not as_page:
        page.locator("html[data-ready]").wait_for(state="attached")
        page.get_by_role("link", name="Add lead").first.click()
    expect(page.locator(".draft-notice")).to_contain_text("What you typed earlier is back")
    expect(page.locator("[name=last_name]")).to_have_value("Hopper")
    expect(page.locator("[name=company]")).to_have_value("Navy")
    page.locator("form:has([name=last_name])").get_by_role("button", name="Add lead").click()
    expect(page.get_by_text("Grace Hopper").first).to_be_visible()
