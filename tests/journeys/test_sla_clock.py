"""A ticket's clock in a real browser, through its warning, its breach and an escalation; time is moved by the test.

The whole product takes the time from one file (`Site.move_time`): the scheduler rings the clock's own job, the worker
writes down what came to pass, and the open page hears of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from app.core import db as database
from tests.journeys.conftest import Person
from tests.support.site import Site
from tests.support.waiting import PATIENCE

SECONDS = PATIENCE * 1000


def set_up(someone: Person) -> None:
    """A calendar that is always open, and a policy of ten minutes, by hand."""
    page = someone.visit("/settings/calendars/new")
    page.fill("#name", "Always")
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        page.fill(f"#{day}", "0:00-24:00")
    page.get_by_role("button", name="Make calendar").click()
    page.wait_for_url(re.compile(r"/settings/calendars$"))
    page = someone.visit("/settings/policies/new")
    page.fill("#name", "Ten minutes")
    page.fill("#first_response", "10 min")
    page.fill("#warn_percent", "50")
    page.fill("#level_after_0", "5 min")
    page.check("#level_raise_0")
    page.check("#level_managers_0")
    page.get_by_role("button", name="Make policy").click()
    page.wait_for_url(re.compile(r"/settings/policies$"))


def add_ticket(someone: Person) -> Page:
    page = someone.visit("/tickets/new")
    page.fill("[name=subject]", "The printer is on fire")
    page.fill("[name=requester_name]", "Ada")
    page.locator("main form button.btn-primary, dialog form button.btn-primary").first.click()
    page.wait_for_url(re.compile(r"/tickets/[0-9a-f-]{36}"))
    page.locator("html[data-ready]").wait_for(state="attached")
    return page


def happened(site: Site) -> list[tuple[str, Any]]:
    """What was published of the clock, with when it came to pass, as minutes after the ticket."""
    with psycopg.connect(database.libpq_url(site.servers.admin_url)) as admin:
        rows = admin.execute(
            "select e.type, round(extract(epoch from (e.data->>'happened_at')::timestamptz - t.created_at) / 60, 3) "
            "from events e join tickets t on t.id = e.subject_id where e.type like 'ticket.sla-%' order by e.id"
        ).fetchall()
    return [(str(kind).partition("-")[2], float(minutes)) for kind, minutes in rows]


def test_a_clock_is_watched_through_warning_breach_and_escalation(site: Site, person: Callable[..., Person]) -> None:
    manager = person("manager")
    set_up(manager)
    page = add_ticket(manager)
    clock = page.locator('[data-clock="first_response"]')
    expect(clock).to_have_attribute("data-state", "running")
    expect(clock).to_contain_text("due in 9 min")

    site.move_time(5.1)
    expect(clock).to_have_attribute("data-state", "due_soon", timeout=SECONDS)
    expect(clock).to_contain_text("due in 4 min")

    site.move_time(5)
    expect(clock).to_have_attribute("data-state", "overdue", timeout=SECONDS)
    expect(page.locator("#field--priority")).to_contain_text("Normal")

    site.move_time(5)
    for _ in range(int(PATIENCE * 4)):
        if len(happened(site)) == 3:
            break
        page.wait_for_timeout(250)
    assert happened(site) == [("warned", 5.0), ("breached", 10.0), ("escalated", 15.0)]
    page.reload()
    expect(page.locator("#field--priority")).to_contain_text("High")
    expect(page.locator('[data-clock="first_response"]')).to_contain_text("overdue by")
    page.get_by_role("link", name="Why then?").click()
    expect(page.locator("#dialog")).to_contain_text("Was due")
    expect(page.locator("#dialog")).to_contain_text("escalation 1")


@pytest.mark.parametrize("minutes", [6, 11])
def test_the_page_counts_without_the_server(site: Site, person: Callable[..., Person], minutes: int) -> None:
    """Only the browser's clock moves here: the state turns all the same."""
    manager = person("manager")
    set_up(manager)
    path = add_ticket(manager).url.partition("/t/acme")[2]
    # Anew, so that nothing of the new ticket is still on its way.
    manager.page.clock.install()
    page = manager.visit(path)
    clock = page.locator('[data-clock="first_response"]')
    expect(clock).to_have_attribute("data-state", "running")
    page.clock.fast_forward(minutes * 60_000)
    expect(clock).to_have_attribute("data-state", "due_soon" if minutes < 10 else "overdue")
    expect(clock).to_contain_text("due in 3 min" if minutes < 10 else "overdue by 1 min")
    # Requests that were under way while minutes passed in a moment gave up; that is the test's doing.
    manager.complaints[:] = [said for said in manager.complaints if "htmx:error" not in said]
