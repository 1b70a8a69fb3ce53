"""A ticket is resolved, its requester is asked by mail, one click rates it, and whoever had it sees that at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from app.core import db as database
from tests.journeys.conftest import Person
from tests.journeys.test_accessibility import PLACES, violations
from tests.journeys.test_live import listens
from tests.support.site import Site
from tests.support.waiting import PATIENCE

REQUESTER = "ada@customer.example"


def _sent_earlier(site: Site) -> None:
    """The mail left a while ago: no program opens its links any more (app/tickets/rules/csat.py)."""
    earlier = "update outgoing_mails set sent_at = now() - interval '5 minutes' where sent_at is not null"
    _until(site, earlier, "the mail was not written down as sent")


def _resolved_ticket(someone: Person) -> str:
    """The address of a ticket of theirs, which they have just resolved."""
    page = someone.visit("/tickets/new")
    page.fill("[name=subject]", "The invoice was charged twice")
    page.fill("[name=requester_name]", "Ada")
    page.fill("[name=requester_email]", REQUESTER)
    page.select_option("[name=owner_id]", label=page.locator(".user-name").inner_text())
    page.get_by_role("button", name="Add ticket").click()
    expect(page.locator("h1")).to_contain_text("The invoice was charged twice")
    page.get_by_role("button", name="Resolved").first.click()
    expect(page.locator("#record_summary .badge, #record_summary .status").first).to_contain_text("Resolved")
    return page.url


def _now(site: Site) -> None:
    """The five minutes a ticket has to stay resolved are over."""
    due = "update outgoing_mails set next_attempt_at = now() where template = 'tickets/rating' and status = 'queued'"
    _until(site, due, "nobody is asked")


def _until(site: Site, change: str, otherwise: str) -> None:
    """Until the change has found a row: the worker writes it in its own time."""
    until = time.monotonic() + PATIENCE
    with psycopg.connect(database.libpq_url(site.servers.admin_url), autocommit=True) as admin:
        while not admin.execute(change.encode()).rowcount:
            assert time.monotonic() < until, otherwise
            time.sleep(0.1)  # between two looks at what another process does


def _link(site: Site, answer: str) -> str:
    _now(site)
    mail = site.mail(REQUESTER, "How did we do?")
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(rf"\S+answer={answer}\b", part.get_content())
    assert found
    return found[0]


def test_one_click_in_the_mail_and_the_agent_sees_it(
    site: Site, person: Callable[..., Person], browser: Browser
) -> None:
    agent = person("agent")
    ticket = _resolved_ticket(agent)
    watching = listens(agent.visit("/leads/"))
    expect(watching.locator(".bell-number")).to_have_count(0)
    link = _link(site, "bad")
    _sent_earlier(site)

    customer = browser.new_context().new_page()
    customer.goto(link)
    expect(customer.locator("h1")).to_have_text("Thank you")
    expect(customer.locator("main")).to_contain_text("You said: Not good")
    expect(watching.locator(".bell-number")).to_contain_text("1")

    watching.locator(".sidebar").get_by_role("link", name="Tickets", exact=True).click()
    watching.wait_for_url("**/tickets/**")
    expect(watching.locator(".bell-number")).to_contain_text("1")
    watching.locator(".bell").click()
    watching.locator("button.notice-subject", has_text="Rated “not good”").click()
    watching.wait_for_url(ticket)
    expect(watching.locator("#ratings")).to_contain_text("Not good")
    expect(listens(watching).locator(".bell-number")).to_have_count(0)

    customer.fill("[name=comment]", "Nobody called me back.")
    customer.get_by_role("button", name="Send").click()
    expect(customer.locator("textarea")).to_have_value("Nobody called me back.")
    expect(watching.locator(".bell-number")).to_contain_text("1")
    expect(watching.locator("#ratings")).to_contain_text("Nobody called me back.")
    customer.context.close()


def test_without_script_and_in_the_first_minutes_it_is_two(
    site: Site, person: Callable[..., Person], browser: Browser
) -> None:
    _resolved_ticket(person("agent"))
    link = _link(site, "good")
    for script in (True, False):
        context = browser.new_context(java_script_enabled=script)
        customer = context.new_page()
        customer.goto(link)
        expect(customer.locator("main")).to_contain_text("Press your answer once more")
        context.close()
    context = browser.new_context(java_script_enabled=False)
    customer = context.new_page()
    customer.goto(link)
    customer.get_by_role("button", name="Good", exact=True).click()
    expect(customer.locator("h1")).to_have_text("Thank you")
    assert urlsplit(customer.url).query == ""
    context.close()


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_on_its_pages(site: Site, person: Callable[..., Person], width: int, theme: str) -> None:
    someone = person("agent", width=width, theme=theme)
    ticket = _resolved_ticket(someone)
    link = _link(site, "bad").partition("?")[0]
    page = someone.page
    page.goto(link)
    problems = {"question": violations(page)}
    page.get_by_role("button", name="Not good").click()
    page.fill("[name=comment]", "Slow.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("textarea")).to_have_value("Slow.")
    problems["answer"] = violations(page)
    page.goto(f"{link}x")
    problems["dead link"] = violations(page)
    for name, path in (("notices", "/notices/"), ("figures", "/tickets/figures")):
        someone.visit(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        problems[name] = violations(page)
    page.goto(ticket)
    expect(page.locator("#ratings")).to_contain_text("Slow.")
    problems["ticket"] = violations(page)
    assert not any(problems.values()), {where: lines for where, lines in problems.items() if lines}
