"""The clocks on a ticket's page, and why something is due when it is: on the page and in the console, the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Flask

from app.core.clock import now
from app.tickets.pages.clocks import tell_story
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World
from tests.tickets.sla import ALL_DAY, NINE, Desk


class TestLedger(Battery):
    path = "/tickets/{id}/sla"
    target = "dialog"
    viewer_may = True


def test_the_story_of_a_clock_names_what_counted_and_what_did_not(desk: Desk) -> None:
    holiday = {"name": "Founders' day", "date": "2026-11-17"}
    half = {"name": "Party", "date": "2026-11-18", "from": "12:00", "to": "24:00"}
    desk.policy(desk.calendar(holidays=[holiday, half]), first_response=None, next_response=None, resolution=720)
    ticket = desk.ticket(0)
    desk.move(ticket, 120, "pending")
    desk.move(ticket, 180, "open")
    with desk.inside(desk.scope):
        (story,) = tell_story(desk.at(200), ticket)
    told = [(line.kind, line.text, line.why, line.length, line.used) for line in story.lines]
    assert told == [
        ("counted", "Mon 16 Nov 09:00 – 11:00", "created", "2 h", "2 h"),
        ("stopped", "Mon 16 Nov 11:00 – 12:00", "stood still while pending", "", "2 h"),
        ("counted", "Mon 16 Nov 12:00 – 17:00", "resumed", "5 h", "7 h"),
        ("closed", "Mon 16 Nov 17:00 – Wed 18 Nov 09:00", "closed (Founders' day, Party 12:00–24:00)", "", "7 h"),
        ("counted", "Wed 18 Nov 09:00 – 12:00", "", "3 h", "10 h"),
        ("closed", "Wed 18 Nov 12:00 – Thu 19 Nov 09:00", "closed (Party 12:00–24:00)", "", "10 h"),
        ("counted", "Thu 19 Nov 09:00 – 11:00", "", "2 h", "12 h"),
    ]
    assert desk.clock(ticket, "resolution").due_at == NINE + timedelta(days=3, hours=2)
    assert story.view.left == "9 h 40 min"
    assert "when 12 h of open time are used" in story.result


def test_a_transfer_tells_both_calendars(desk: Desk) -> None:
    office, night = desk.calendar("Office"), desk.calendar("Night", weekly=ALL_DAY)
    desk.policy(night, "Urgent", conditions={"priority": ["urgent"]}, first_response=None, resolution=600)
    desk.policy(office, "Rest", first_response=None, resolution=600)
    ticket = desk.ticket(0)
    desk.change(ticket, 60, priority="urgent")
    with desk.inside(desk.scope):
        story = tell_story(desk.at(70), ticket)[-1]
    assert [(line.text, line.why) for line in story.lines] == [
        ("Mon 16 Nov 09:00 – 10:00", "created"),
        ("Mon 16 Nov 10:00 – 19:00", "transferred"),
    ]
    assert story.calendar == "Night"


def test_the_page_counts_and_says_the_same_without_script(desk: Desk, owner: PageClient, count_queries: Any) -> None:
    desk.scope = replace(desk.scope)
    desk.policy(desk.calendar(weekly=ALL_DAY), conditions={})
    with desk.inside(desk.scope):
        from app.core.records import actions as records
        from app.tickets.definition import TICKETS

        begun = replace(desk.scope, now=now() - timedelta(minutes=10))
        ticket = records.create_record(begun, TICKETS, {"subject": "Help", "requester_name": "Doe"})
    page = owner.get(f"/tickets/{ticket}")
    first = page.soup.select_one('[data-clock="first_response"]')
    assert first is not None
    assert first["data-state"] == "running"
    assert first["data-at"] == (begun.now + timedelta(hours=1)).isoformat()
    assert first["data-warns-at"] == (begun.now + timedelta(minutes=30)).isoformat()
    assert "49 min of open time left" in first.get_text() or "50 min of open time left" in first.get_text()
    assert first.select_one("time").get_text(), "without script the instant is printed"
    assert page.soup.select_one('[data-behaviour="countdown"]')["data-now"]
    dialog = owner.get(f"/tickets/{ticket}/sla")
    assert "Resolution: 8 h" in dialog.text_of("main")


def test_a_ticket_without_a_promise_says_so(owner: PageClient, world: World, app: Flask) -> None:
    ticket = world.add()
    assert "Nothing was promised" in owner.get(f"/tickets/{ticket}/sla").text_of("main")
    assert owner.get(f"/tickets/{ticket}").soup.select_one("[data-clock]") is None


def test_explain_prints_the_ledger(app: Flask, desk: Desk) -> None:
    desk.policy(desk.calendar())
    number = desk.row(desk.ticket(0)).number
    run = app.test_cli_runner().invoke
    told = run(args=["sla", "explain", str(number), "--tenant", "acme"])
    assert told.exit_code == 0, told.output
    assert "First response (1 h)" in told.output
    assert "Mon 16 Nov 09:00 – 10:00" in " ".join(told.output.split())
    assert run(args=["sla", "explain", "9999", "--tenant", "acme"]).exit_code == 1
    assert run(args=["sla", "explain", "1", "--tenant", "nobody"]).exit_code == 1
