"""Clocks as they are stored: begun with the ticket, told what happens to it, right whoever looks and whenever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.extensions import db
from app.tickets.actions import clocks, policies, sweeping
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaChange
from tests.tickets.sla import ALL_DAY, NINE, Desk, level, promise


def at(minutes: float):
    return NINE + timedelta(minutes=minutes)


def test_a_new_ticket_has_its_dues(desk: Desk) -> None:
    desk.policy(desk.calendar())
    ticket = desk.ticket(0)
    row = desk.row(ticket)
    assert (row.first_response_due_at, row.resolution_due_at) == (at(60), at(480))
    assert (row.due_at, row.next_response_due_at, row.sla_state) == (at(60), None, "running")
    assert desk.clock(ticket, "first_response").next_at == at(30), "the warning at half"
    desk.agree(ticket, 0)


def test_without_a_policy_nothing_is_due_and_a_later_one_counts_from_the_start(desk: Desk) -> None:
    calendar = desk.calendar()
    ticket = desk.ticket(0)
    assert (desk.row(ticket).due_at, desk.row(ticket).sla_state) == (None, "none")
    desk.policy(calendar, conditions={"priority": ["urgent"]})
    desk.change(ticket, 20, priority="urgent")
    assert desk.row(ticket).first_response_due_at == at(60)
    desk.change(ticket, 25, priority="low")
    assert (desk.row(ticket).due_at, desk.row(ticket).sla_state) == (None, "none")


def test_the_first_policy_that_fits(desk: Desk) -> None:
    calendar = desk.calendar()
    desk.policy(calendar, "Gold", conditions={"customer": ["  Café  MERIDIAN "], "tag": ["VIP", "gold"]}, resolution=60)
    desk.policy(calendar, "Mail", conditions={"channel": ["email"]}, resolution=120)
    desk.policy(calendar, "Rest", resolution=240)
    gold = desk.ticket(customer="cafe meridian", tags=("vip",), channel="email")
    assert desk.row(gold).resolution_due_at == at(60)
    assert desk.row(desk.ticket(customer="Cafe Meridian", channel="email")).resolution_due_at == at(120)
    assert desk.row(desk.ticket()).resolution_due_at == at(240)


def test_what_pauses_answers_and_resolves(desk: Desk) -> None:
    desk.policy(desk.calendar())
    ticket = desk.ticket(0)
    desk.note(ticket, 10, "agent_public_reply")
    assert desk.clock(ticket, "first_response").met_at == at(10)
    desk.move(ticket, 20, "pending")
    row = desk.row(ticket)
    assert (row.resolution_due_at, row.sla_state) == (None, "paused")
    desk.note(ticket, 50, "customer_message")
    assert desk.row(ticket).next_response_due_at == at(170)
    desk.move(ticket, 50, "open")
    assert desk.row(ticket).resolution_due_at == at(24 * 60 + 30), "half an hour's pause, and the night"
    desk.note(ticket, 60, "agent_public_reply")
    desk.move(ticket, 70, "resolved")
    row = desk.row(ticket)
    assert (row.due_at, row.sla_state) == (None, "met")
    assert desk.clock(ticket, "resolution").used == 40 * 60
    desk.agree(ticket, 100)


def test_warning_breach_and_escalation_are_noticed_at_their_own_instants(desk: Desk, crowd) -> None:
    senior = crowd.id_of("manager")
    desk.policy(
        desk.calendar(),
        next_response=None,
        resolution=None,
        escalations=[level(0, raise_priority=True), level(15, assign_to=str(senior), notify_managers=True)],
    )
    ticket = desk.ticket(0, owner_id=crowd.id_of("agent"))
    for minutes in (10, 31, 45, 65, 66, 90, 200):
        with desk.inside(desk.scope):
            sweeping.sweep(desk.system(minutes))
    told = [(verb, data["happened_at"]) for verb, data in desk.events()]
    assert told == [
        ("sla-warned", at(30).isoformat()),
        ("sla-breached", at(60).isoformat()),
        ("sla-escalated", at(60).isoformat()),
        ("sla-escalated", at(75).isoformat()),
    ]
    row = desk.row(ticket)
    assert (row.priority, row.owner_id, row.sla_state) == ("high", senior, "breached")
    assert desk.clock(ticket, "first_response").breached_at == at(60)
    desk.note(ticket, 201, "agent_public_reply")
    assert desk.row(ticket).sla_state == "breached", "it was kept late, and nothing else was promised"
    desk.agree(ticket, 300)


def test_an_answer_in_time_that_was_stored_late_counts_and_a_breach_is_never_taken_back(desk: Desk) -> None:
    """The sweep looks two seconds back; what it has written stays true."""
    desk.policy(desk.calendar(), warn_percent=[])
    in_time, late = desk.ticket(0), desk.ticket(0)
    with desk.inside(desk.scope):
        assert sweeping.check(desk.system(60 + 1 / 60), in_time) == 0
        assert sweeping.check(desk.system(60 + 3 / 60), late) == 1
    desk.note(in_time, 59.99, "agent_public_reply")
    desk.note(late, 59.99, "agent_public_reply")
    assert desk.clock(in_time, "first_response").breached_at is None
    assert desk.clock(late, "first_response").breached_at == at(60)
    for ticket in (in_time, late):
        desk.agree(ticket, 100)


def test_deleting_ends_clocks_and_restoring_goes_on(desk: Desk, world) -> None:
    desk.policy(desk.calendar(), warn_percent=[])
    ticket = desk.ticket(0)
    desk.note(ticket, 20, "deleted")
    assert (desk.row(ticket).sla_state, desk.row(ticket).due_at) == ("none", None)
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(300)) == 0
    desk.note(ticket, 300, "restored")
    assert desk.row(ticket).first_response_due_at == at(340)
    desk.note(ticket, 310, "merge")
    desk.note(ticket, 320, "unmerge")
    assert desk.row(ticket).first_response_due_at == at(350)
    desk.agree(ticket, 330)


def change_policy(desk: Desk, policy_id, calendar_id, minutes: float, **definition) -> None:
    with desk.inside(desk.scope):
        row = policies.get_policy_row(desk.at(minutes), policy_id)
        policies.update_policy(desk.at(minutes), policy_id, row.version, row.name, calendar_id, promise(**definition))


@pytest.mark.parametrize(("ends", "goes_on"), [("deleted", "restored"), ("merge", "unmerge")])
def test_what_was_away_comes_back_to_what_is_promised_by_then(desk: Desk, ends: str, goes_on: str) -> None:
    """A change reaches open tickets; one that was deleted or merged meanwhile takes it when it comes back."""
    calendar = desk.calendar()
    policy = desk.policy(calendar, warn_percent=[])
    ticket = desk.ticket(0)
    desk.note(ticket, 20, ends)
    change_policy(desk, policy, calendar, 30, first_response=120, warn_percent=[])
    desk.note(ticket, 100, goes_on)
    assert desk.row(ticket).first_response_due_at == at(200)
    desk.agree(ticket, 110)


@pytest.mark.parametrize(("ends", "goes_on"), [("deleted", "restored"), ("merge", "unmerge")])
def test_what_was_away_comes_back_without_a_promise_that_was_withdrawn(desk: Desk, ends: str, goes_on: str) -> None:
    policy = desk.policy(desk.calendar())
    ticket = desk.ticket(0)
    desk.note(ticket, 20, ends)
    with desk.inside(desk.scope):
        policies.switch_policy(desk.at(30), policy, on=False)
    desk.note(ticket, 100, goes_on)
    assert (desk.row(ticket).sla_state, desk.row(ticket).due_at) == ("none", None)
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(300)) == 0
    desk.agree(ticket, 300)


def test_another_policy_revives_clocks_with_its_own_targets_and_calendar(desk: Desk) -> None:
    office = desk.calendar()
    policy = desk.policy(office, conditions={"priority": ["normal"]}, warn_percent=[])
    always = desk.calendar("Always", weekly=ALL_DAY)
    desk.policy(
        always, "Urgent", conditions={"priority": ["urgent"]}, first_response=30, resolution=600, warn_percent=[]
    )
    ticket = desk.ticket(0)
    with desk.inside(desk.scope):
        policies.switch_policy(desk.at(20), policy, on=False)
    desk.note(ticket, 20, "policy_disabled")
    desk.change(ticket, 40, priority="urgent")
    row = desk.row(ticket)
    assert row.first_response_due_at == at(50), "twenty minutes were used, twenty did not count"
    assert row.resolution_due_at == at(40 + 600 - 20), "in the calendar that never closes"
    desk.agree(ticket, 45)


def test_a_change_while_it_was_resolved_counts_once_it_is_open_again(desk: Desk) -> None:
    """The resolution was met and the first response was still to come: the change reached the ticket all the same."""
    calendar = desk.calendar()
    policy = desk.policy(calendar, warn_percent=[])
    ticket = desk.ticket(0)
    desk.move(ticket, 10, "resolved")
    always = desk.calendar("Always", weekly=ALL_DAY)
    change_policy(desk, policy, always, 20, resolution=600, warn_percent=[])
    with desk.inside(desk.scope):
        change = db.session.scalars(select(SlaChange)).one()
        row = db.session.get_one(Ticket, (desk.scope.tenant_id, ticket))
        clocks.take_change(desk.system(30), row, change)
    desk.move(ticket, 40, "open")
    assert desk.row(ticket).resolution_due_at == at(40 + 600 - 10)
    desk.agree(ticket, 50)


def test_a_ticket_changed_while_it_was_resolved_is_reopened_under_the_policy_it_fits_then(desk: Desk) -> None:
    calendar = desk.calendar()
    desk.policy(calendar, "Urgent", conditions={"priority": ["urgent"]}, resolution=60, warn_percent=[])
    desk.policy(calendar, "Rest", resolution=480, warn_percent=[])
    ticket = desk.ticket(0)
    desk.move(ticket, 10, "resolved")
    desk.change(ticket, 20, priority="urgent")
    desk.move(ticket, 30, "open")
    assert desk.row(ticket).resolution_due_at == at(80)
    desk.agree(ticket, 40)


def test_what_a_change_makes_overdue_while_it_stands_still_comes_to_pass_when_it_runs_again(desk: Desk) -> None:
    """The job and the sweep look at running clocks only, so nothing may come to pass with one that stands still."""
    calendar = desk.calendar()
    urgent = {"conditions": {"priority": ["urgent"]}, "warn_percent": [20], "first_response": None}
    desk.policy(calendar, "Urgent", **urgent, resolution=120)
    desk.policy(calendar, first_response=None, warn_percent=[90])
    ticket = desk.ticket(0)
    desk.move(ticket, 60, "pending")
    desk.change(ticket, 70, priority="urgent")
    desk.agree(ticket, 80)
    assert desk.row(ticket).sla_state == "paused"
    desk.move(ticket, 100, "open")
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(101))
    assert [data["happened_at"] for _, data in desk.events("sla-warned")] == [at(100).isoformat()]
    desk.agree(ticket, 101)
