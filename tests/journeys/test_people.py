"""Joining by invitation, coming back after a forgotten password, and a role made and felt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Person
from tests.journeys.test_accessibility import PLACES, violations
from tests.journeys.test_first_lead import JOHN, add_lead
from tests.support import mailbox
from tests.support.site import Site

NEW = "plover carnival 7 dusk anthem"


def link_in_mail(site: Site, to: str, subject: str) -> str:
    """The path of the link, at this site's own address."""
    found = mailbox.links_in(site.mail(to, subject))[0]
    return "/links/" + found.rpartition("/")[2]


def stranger(site: Site, browser: Browser) -> Page:
    """A browser nobody is signed in with."""
    page = browser.new_context(viewport={"width": 375, "height": 800}, reduced_motion="reduce").new_page()
    page.set_default_timeout(15_000)
    return page


def test_from_the_invitation_to_the_first_page(person: Callable[..., Person], site: Site, browser: Browser) -> None:
    page = person("owner").visit("/people")
    page.get_by_role("link", name="Invite people").click()
    page.fill("[name=addresses]", "Ada Lovelace <ada@x.example>\nnonsense")
    page.select_option("[name=role]", "agent")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.locator("main")).to_contain_text("That is not an e-mail address")
    expect(page.locator("[name=addresses]")).to_have_value("nonsense")

    guest = stranger(site, browser)
    guest.goto(site.url() + link_in_mail(site, "ada@x.example", "invitation"))
    expect(guest.locator("h1")).to_have_text("Join Acme")
    expect(guest.locator("[name=name]").first).to_have_value("Ada Lovelace")
    guest.locator("#password_form [name=password]").press_sequentially("ada lovelace")
    expect(guest.locator("#password_strength")).to_contain_text("your name")
    guest.locator("#password_form [name=password]").fill(NEW)
    expect(guest.locator("#password_strength")).to_contain_text("strong", ignore_case=True)
    guest.get_by_role("button", name="Join").click()
    guest.wait_for_url("**/leads/**")
    guest.context.close()

    page = person("owner").visit("/people?q=ada")
    expect(page.locator("#people_list")).to_contain_text("Active")


def test_from_a_forgotten_password_to_a_new_one_without_script(
    person: Callable[..., Person], site: Site, browser: Browser
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(site.url() + "/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.fill("[name=email]", "agent@acme.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page.locator("#toasts")).to_contain_text("a mail with a link is on its way")
    page.goto(site.url() + link_in_mail(site, "agent@acme.example", "new password"))
    for poor in ("password1234", NEW):
        page.fill("#password_form [name=password]", poor)
        page.fill("[name=again]", poor)
        page.get_by_role("button", name="Change password").click()
    expect(page.locator("h1")).to_have_text("Sign in to Acme")
    page.fill("#sign_in_form [name=email]", "agent@acme.example")
    page.fill("#sign_in_form [name=password]", NEW)
    page.locator("#sign_in_form").get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/leads/**")
    page.context.close()


def test_a_role_that_sees_its_own_leads(person: Callable[..., Person], site: Site) -> None:
    agent = person("agent")
    add_lead(agent.visit("/leads/"), **JOHN)
    expect(agent.page.locator("#record_rows tr")).to_have_count(1)
    boss = person("owner")
    page = boss.visit("/leads/")
    add_lead(page, first_name="Jane", last_name="Roe", email="jane@example.com")
    expect(page.locator("#record_rows tr")).to_have_count(2)

    page = boss.visit("/roles/new")
    page.fill("[name=name]", "Own leads only")
    page.select_option("[name=lead-sees]", "own")
    page.select_option("[name=lead-changes]", "own")
    # By keyboard alone, from the last choice to the boxes below it.
    page.focus("[name=lead-changes]")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("group", name="Leads").get_by_label("See them")).to_be_checked()
    page.get_by_role("group", name="Leads").get_by_label("Change them, write notes").check()
    page.get_by_role("button", name="Make role").click()
    expect(page.locator("main")).to_contain_text("Own leads only")

    page = boss.visit("/people?q=amal")
    page.get_by_role("link", name="Amal Acme").click()
    page.select_option("#role", label="Own leads only")
    page.get_by_role("button", name="Change role").click()
    expect(page.locator("#toasts")).to_contain_text("The role was changed")

    page = agent.visit("/leads/")
    expect(page.locator("#record_rows tr")).to_have_count(1)
    expect(page.locator("#record_rows")).to_contain_text("John Doe")
    expect(page.get_by_role("link", name="Add lead")).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_on_the_pages_of_people(
    person: Callable[..., Person], site: Site, browser: Browser, width: int, theme: str
) -> None:
    someone = person("owner", width=width, theme=theme)
    page = someone.visit("/teams/new")
    page.fill("[name=name]", "North")
    page.get_by_role("button", name="Make team").click()
    page = someone.visit("/roles/new?copy=agent")
    page.fill("[name=name]", "Own leads only")
    page.get_by_role("button", name="Make role").click()
    page = someone.visit("/people/new")
    page.fill("[name=addresses]", "ada@x.example\nnonsense")
    page.select_option("[name=role]", "agent")
    page.get_by_role("button", name="Send invitations").click()
    problems = {"refused lines": violations(page)}
    for path in ("/people", "/people?q=zzzz", "/people/new", "/roles", "/roles/new", "/teams", "/profile"):
        problems[path] = violations(someone.visit(path))
    for path, link in (("/people", "Amal Acme"), ("/teams", "North")):
        someone.visit(path).get_by_role("link", name=link).click()
        someone.page.wait_for_url("**/*-*-*-*-*")
        problems[link] = violations(someone.page)
    for name in ("Change the role Own leads only", "Delete the role Own leads only"):
        someone.visit("/roles").get_by_role("link", name=name).click()
        someone.page.locator("h1", has_text=name).wait_for()
        problems[name] = violations(someone.page)
    joining = link_in_mail(site, "ada@x.example", "invitation")
    someone.context.clear_cookies()
    for path in (joining, "/forgot-password", "/links/nonsense"):
        problems[path] = violations(someone.visit(path))
    page = someone.visit(joining)
    page.locator("#password_form [name=password]").fill("acme acme")
    page.locator("#password_strength meter").wait_for()
    problems["strength"] = violations(page)
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, "the page is wider than the screen"
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}
