"""Clocks as they are stored: begun with the ticket, told what happens to it, right whoever looks and whenever."""

from __future__ import annotations

from datetime import timedelta

from app.tickets.actions import sweeping
from tests.tickets.sla import NINE, Desk, level


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
