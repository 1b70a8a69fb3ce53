"""Service figures: every number on the page is the number of tickets in the list it opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.core.records import queries as records
from app.core.records.fields import ParseContext
from app.core.records.listing import read
from app.core.scope import Scope
from app.tickets.actions import categories, policies, sweeping
from app.tickets.definition import TICKETS
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World
from tests.tickets.sla import Desk

PERIOD = "from=2026-11-01&to=2026-12-31"


class TestFigures(Battery):
    path = "/tickets/figures"
    target = "figures"
    viewer_may = True


def fill(desk: Desk, crowd: Any) -> None:
    """A fortnight of tickets: some answered in time, some late, one merged, one deleted, one without a promise."""
    office = desk.calendar()
    desk.policy(office, "Gold", conditions={"customer": ["Gold & Co"]}, first_response=30)
    desk.policy(office, "Rest", conditions={"priority": ["low", "normal", "high"]})
    people = (None, crowd.id_of("agent"), crowd.id_of("manager"))
    customers = (None, "Gold & Co", "=none", "none", "O'Brien “quoted”, 100 %")
    priorities = ("low", "normal", "high", "urgent")
    tickets = [
        desk.ticket(
            day * 1440 + number,
            priority=priorities[number % 4],
            owner_id=people[number % 3],
            customer=customers[number % 5],
        )
        for day in (0, 1, 7, 16)
        for number in range(15)
    ]
    for place, ticket in enumerate(tickets):
        begun = (0, 1, 7, 16)[place // 15] * 1440 + place % 15
        if place % 4:
            desk.note(ticket, begun + 20 * (place % 6), "agent_public_reply")
        if place % 3 == 0:
            desk.note(ticket, begun + 130, "customer_message")
            desk.note(ticket, begun + 140 + 40 * (place % 5), "agent_public_reply")
        if place % 5 == 0:
            desk.move(ticket, begun + 400, "resolved")
    desk.note(tickets[7], 30_000, "merge")
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(40_000))
        from app.core.records.actions import delete_records

        delete_records(desk.at(40_001), TICKETS, [tickets[3]])


def count_of(scope: Scope, href: str) -> int:
    args: dict[str, list[str]] = {}
    for key, value in parse_qsl(urlsplit(href).query):
        args.setdefault(key, []).append(value)
    from app.core import people

    request = read(TICKETS, args, ParseContext(scope, people.by_any_name(scope)))
    assert not request.problems, (href, request.problems)
    return records.count_records(scope, TICKETS, request, exact=True).value


def walk(page: Any, scope: Scope, inside: Callable[..., Any]) -> int:
    """Opens what every number counts; returns how many numbers there were."""
    links = page.soup.select("[data-count]")
    with inside(scope):
        for link in links:
            assert count_of(scope, str(link["href"])) == int(link["data-count"]), link
    return len(links)


def test_every_number_is_its_list(desk: Desk, crowd: Any, owner: PageClient, inside: Callable[..., Any]) -> None:
    fill(desk, crowd)
    for clock in ("first_response", "next_response", "resolution"):
        page = owner.get(f"/tickets/figures?clock={clock}&{PERIOD}")
        assert walk(page, desk.scope, inside) > 25, clock
    headings = page.texts("main h2")
    for heading in ("By priority", "By category", "By agent", "By customer", "By policy", "By month"):
        assert any(heading in text for text in headings), heading
    link = page.soup.select_one("td [data-count]")["href"]
    there = owner.get(link.removeprefix("/t/acme"))
    assert there.status_code == 200
    assert "Service figures" in there.text_of("main")


def test_the_figures_are_those_counted_by_hand(desk: Desk, owner: PageClient) -> None:
    desk.policy(desk.calendar())
    met, late, never = desk.ticket(0), desk.ticket(0), desk.ticket(0)
    desk.note(met, 60, "agent_public_reply")
    desk.note(late, 61, "agent_public_reply")
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(100))
    page = owner.get(f"/tickets/figures?{PERIOD}")
    assert page.texts('[aria-label="First response"] .figure-rate') == ["33 %"]
    assert page.texts('[aria-label="Resolution"] .figure-rate') == ["nothing yet"]
    outside = owner.get("/tickets/figures?from=2026-11-17&to=2026-12-31")
    assert outside.texts('[aria-label="First response"] .figure-rate') == ["nothing yet"]
    assert never


def test_figures_are_of_what_the_asker_may_see(
    desk: Desk, as_custom_role: Callable[..., PageClient], crowd: Any, inside: Callable[..., Any]
) -> None:
    fill(desk, crowd)
    reader = as_custom_role({"ticket:read"}, {"ticket": ("own", "none")})
    assert reader.get(f"/tickets/figures?{PERIOD}").soup.select("[data-count]") == []
    colleague = as_custom_role({"ticket:read"}, {"ticket": ("team", "none")}, teams={"North": ["agent"]})
    page = colleague.get(f"/tickets/figures?{PERIOD}")
    assert walk(page, crowd.scope_of(colleague.user_id), inside) > 3


def test_what_the_address_says_wrong_is_said(owner: PageClient) -> None:
    for query, says in (
        ("from=yesterday", "no date"),
        ("from=2026-12-01&to=2026-11-01", "must come before"),
        ("from=1999-01-01&to=2026-11-01", "three years"),
    ):
        assert says in owner.get(f"/tickets/figures?{query}").text_of("main")
    for value in ("x", "resolution.met.2026-01-01", "resolution.met.2026-01-01.0000-00-00", "a.b.c.d.p-e"):
        page = owner.get(f"/tickets/?sla={value}")
        assert "no figure's list" in page.text_of("main")
    assert "Write = before" in owner.get("/tickets/?customer_is=x").text_of("main")


def test_numbers_of_what_is_not_offered_any_more_open_their_lists_too(
    desk: Desk, crowd: Any, world: World, owner: PageClient, inside: Callable[..., Any], admin: Any
) -> None:
    """An archived category, somebody who has left, a customer with the longest of names, a policy put away."""
    policy = desk.policy(desk.calendar())
    category, gone = world.category("Returns"), crowd.id_of("agent")
    desk.ticket(0, category_id=category, owner_id=gone, customer="x" * 200)
    desk.ticket(0, customer="y" * 200)
    with inside(desk.scope):
        sweeping.sweep(desk.system(10_000))
        categories.archive_category(desk.scope, category, True)
        policies.archive_policy(desk.at(10_001), policy)
    admin.execute("update users set disabled_at = now() where id = %s", (gone,))
    page = owner.get(f"/tickets/figures?clock=first_response&{PERIOD}")
    assert walk(page, desk.scope, inside) > 10
    for link in page.soup.select("td [data-count]"):
        assert owner.get(str(link["href"]).removeprefix("/t/acme")).status_code == 200
