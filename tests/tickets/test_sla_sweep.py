"""The sweep and the jobs: whoever notices and whenever, what is stored is what the history says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rq.registry import ScheduledJobRegistry
from sqlalchemy import select

from app.core import queue
from app.core.clock import now
from app.core.scope import no_tenant
from app.extensions import db
from app.notifications.mailing import NAMED
from app.notifications.models import Notice
from app.tickets.actions import sweeping
from app.tickets.actions.conversation.leaving import release
from app.tickets.actions.conversation.replying import reply, withdraw
from app.tickets.actions.sweeping import _batch
from app.tickets.models import Ticket
from app.tickets.queries import clocks as queries
from app.tickets.queries.policies import list_policies
from tests.tickets.sla import ALL_DAY, NINE, WEEKDAYS, Desk, level, promise

STEPS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(
            ("reply", "customer", "pending", "open", "resolved", "sweep", "check", "crash", "urgent", "low", "deleted")
        ),
    ),
    min_size=1,
    max_size=14,
)


def do(desk: Desk, ticket: UUID, minutes: float, what: str) -> None:
    status = desk.row(ticket).status
    match what:
        case "reply":
            desk.note(ticket, minutes, "agent_public_reply")
        case "customer":
            desk.note(ticket, minutes, "customer_message")
        case "pending" | "open" | "resolved" if (status, what) not in {("resolved", "pending")}:
            desk.move(ticket, minutes, what)
        case "urgent" | "low":
            desk.change(ticket, minutes, priority=what)
        case "sweep":
            with desk.inside(desk.scope):
                sweeping.sweep(desk.system(minutes))
        case "check":
            for _ in range(2):
                with desk.inside(desk.scope):
                    sweeping.check(desk.system(minutes), ticket)
        case "deleted":
            desk.note(ticket, minutes, "deleted")
            desk.note(ticket, minutes + 3, "restored")
        case "crash":
            with pytest.raises(ZeroDivisionError), desk.inside(desk.scope):
                sweeping.bring_up(desk.system(minutes), queries.locked_tickets(desk.scope, [ticket], wait=True), NINE)
                raise ZeroDivisionError


def set_up(desk: Desk) -> None:
    """A calendar with gaps and one without, urgent tickets on the second; once for all examples."""
    calendar = desk.calendar("Office", weekly=WEEKDAYS | {"sat": [["10:00", "12:00"]]})
    levels = [level(10, notify_managers=True), level(60, raise_priority=True)]
    urgent = {"priority": ["urgent"]}
    desk.policy(desk.calendar("Always", weekly=ALL_DAY), conditions=urgent, warn_percent=[20, 90], first_response=30)
    desk.policy(calendar, warn_percent=[50], escalations=levels)


# Not shrunk: each example is dozens of transactions, and its steps say enough.
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, later=st.integers(4, 3000))
def test_stored_clocks_are_what_the_history_says(desk: Desk, steps: list[tuple[int, str]], later: int) -> None:
    """After any happenings, at any instants, with sweeps, jobs that ran twice, and transactions that were lost."""
    with desk.inside(desk.scope):
        begun = bool(list_policies(desk.scope))
    if not begun:
        set_up(desk)
    ticket = desk.ticket(0)
    minutes = 0.0
    for wait, what in steps:
        minutes += wait
        do(desk, ticket, minutes, what)
    # The sweep looks two seconds back; what an escalation changes happens as it looks.
    seen = minutes + later + 2 / 60
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(seen))
    desk.agree(ticket, seen)
    row = desk.row(ticket)
    with desk.inside(desk.scope):
        track = queries.get_track(desk.scope, queries.get_history(desk.scope, ticket), desk.at(seen).now)
        dues = [clock.due for clock in track.clocks if clock.due is not None]
    assert row.due_order == (min(dues) if dues else 2**62)


def fill(desk: Desk, crowd: Any, count: int) -> list[UUID]:
    desk.policy(desk.calendar(), next_response=None, resolution=None, escalations=[level(10, notify_managers=True)])
    return [desk.ticket(number / 4, owner_id=crowd.id_of("agent")) for number in range(count)]


def test_an_outage_of_an_hour_is_one_sweep_in_order_and_one_digest_each(
    desk: Desk, crowd: Any, run_jobs: Callable[[], int], sent_mails: Callable[[], list[Any]], admin: Any
) -> None:
    """Forty tickets warned, breached and escalated while nobody looked."""
    tickets = fill(desk, crowd, 40)
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(60 + 62)) == 3 * len(tickets)
    events = desk.events()
    instants = [data["happened_at"] for _, data in events]
    assert instants == sorted(instants, key=datetime.fromisoformat)
    breaches = [data["happened_at"] for verb, data in events if verb == "sla-breached"]
    assert breaches == [(NINE + timedelta(minutes=60 + number / 4)).isoformat() for number in range(40)]
    notices = admin.execute("select user_id, count(*) from notices group by user_id").fetchall()
    assert sorted(notices) == sorted([(crowd.id_of("agent"), 1), (crowd.id_of("manager"), 1)])
    run_jobs()
    mails = [mail for mail in sent_mails() if "overdue" in str(mail["Subject"])]
    assert sorted(str(mail["To"]).rpartition("<")[2].strip(">") for mail in mails) == [
        "agent@acme.example",
        "manager@acme.example",
    ]
    assert "40 tickets" in str(mails[0]["Subject"])
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(60 + 62)) == 0, "a second sweep finds nothing"
    assert desk.alerts() == 0
    assert Notice.__tablename__ == "notices"


def test_batches_are_in_order_also_when_many_come_at_one_instant(desk: Desk, crowd: Any, monkeypatch: Any) -> None:
    desk.policy(desk.calendar(), next_response=None, resolution=None, escalations=[level(5, notify_managers=True)])
    tickets = [desk.ticket(number // 7) for number in range(30)]
    monkeypatch.setattr(sweeping, "_BATCH", 4)
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(300))
    instants = [datetime.fromisoformat(data["happened_at"]) for _, data in desk.events()]
    assert instants == sorted(instants)
    assert len(instants) == 3 * len(tickets)
    for ticket in tickets:
        desk.agree(ticket, 300)


def test_one_that_fails_does_not_keep_the_others_waiting(desk: Desk, crowd: Any, admin: Any) -> None:
    tickets = fill(desk, crowd, 6)
    broken = 'update sla_history set value = \'{"policy": "nothing"}\' where ticket_id = %s'
    admin.execute(broken, (tickets[2],))
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(300)) == 3 * 5
    assert desk.clock(tickets[2], "first_response").breached_at is None


def test_what_somebody_holds_is_left_and_found_by_the_next(desk: Desk, crowd: Any, admin: Any) -> None:
    import psycopg

    tickets = fill(desk, crowd, 3)
    with psycopg.connect(admin.info.dsn, password=admin.info.password) as other:
        other.execute("select 1 from tickets where id = %s for update", (tickets[0],))
        with desk.inside(desk.scope):
            assert sweeping.sweep(desk.system(300)) == 6
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(300)) == 3


def test_alerts_outlive_a_crash_before_anybody_was_told(desk: Desk, crowd: Any, admin: Any) -> None:
    """A batch is committed, then the worker dies: the next sweep tells, once."""
    fill(desk, crowd, 2)
    with desk.inside(desk.scope):
        ids, _ = queries.list_due(desk.scope, desk.at(300).now, 100)
        _batch(desk.system(300), ids, desk.at(300).now)
    assert desk.alerts() > 0
    assert admin.execute("select count(*) from notices").fetchone() == (0,)
    with desk.inside(desk.scope):
        assert queries.tenants_with_sla_due(desk.at(-10_000).now) == [desk.scope.tenant_id]
        assert sweeping.sweep(desk.system(300)) == 0
    assert admin.execute("select count(*) from notices").fetchone() == (2,)
    assert desk.alerts() == 0


def test_each_clock_has_a_job_at_its_next_instant(desk: Desk, app: Any, bell: Any) -> None:
    """At once if that is within six minutes, else from the sweep before it; never before its time."""
    desk.policy(desk.calendar(weekly=ALL_DAY), first_response=4, next_response=None, resolution=60, warn_percent=[])
    ticket = desk.ticket(0)
    with app.app_context():
        registry = ScheduledJobRegistry(queue=queue.queue_named("default"))
        (first,) = registry.get_job_ids()
    due = NINE + timedelta(minutes=4)
    assert queue.ring_what_is_due(bell, due) == 0
    assert queue.ring_what_is_due(bell, due + timedelta(seconds=3)) == 1
    bell.flushdb()
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(56))
    with app.app_context():
        assert [str(ticket) in job for job in registry.get_job_ids()] == [True]
    assert str(ticket) in first


def test_a_warning_goes_to_whom_it_concerns(desk: Desk, crowd: Any, admin: Any) -> None:
    """The assignee; of nobody's ticket the team, else the managers; nobody whose reach it is beyond."""
    desk.policy(desk.calendar(), next_response=None, resolution=None)
    team = crowd.team("North", [crowd.id_of("viewer")])
    mine, theirs, anybodys = desk.ticket(0, owner_id=crowd.id_of("agent")), desk.ticket(0, team_id=team), desk.ticket(0)
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(31))
    told = dict(admin.execute("select user_id, values->>'record_id' from notices").fetchall())
    assert told == {
        crowd.id_of("agent"): str(mine),
        crowd.id_of("viewer"): str(theirs),
        crowd.id_of("manager"): str(anybodys),
    }
    assert promise()["warn_percent"] == [50]


def test_somebody_who_is_to_hear_of_more_than_is_named_still_gets_one_digest(
    desk: Desk, crowd: Any, run_jobs: Callable[[], int], sent_mails: Callable[[], list[Any]], admin: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tickets = fill(desk, crowd, 30)
    with desk.inside(desk.scope):
        sweeping.sweep(desk.system(200))
    assert admin.execute("select count(*) from notices").fetchone() == (2,)
    run_jobs()
    (mail,) = [mail for mail in sent_mails() if "agent@" in str(mail["To"])]
    assert str(mail["Subject"]) == "30 tickets: 30 overdue, 0 due soon"
    text = mail.get_body(("plain",)).get_content()
    assert text.count(": 50 % of the time") + text.count("was due at") + text.count("escalated") == NAMED
    assert f"{3 * len(tickets) - NAMED} more" in text


def test_the_job_that_tells_catches_up_first(desk: Desk, crowd: Any, admin: Any) -> None:
    """After an outage a clock's own job may come before the sweep: what it found is told with all the rest."""
    tickets = fill(desk, crowd, 5)
    with desk.inside(desk.scope):
        sweeping.check(desk.system(200), tickets[0])
    with desk.inside(desk.scope):
        sweeping.catch_up(desk.system(200))
    assert desk.alerts() == 0
    assert admin.execute("select count(*) from notices").fetchone() == (2,)


@pytest.mark.parametrize("way", ["leaves", "is taken back"])
def test_an_answer_in_time_that_can_still_be_taken_back_is_waited_for(desk: Desk, admin: Any, way: str) -> None:
    """Whether it counts is known when it leaves; it counts from when it was written."""
    desk.policy(desk.calendar(), warn_percent=[], resolution=None)
    ticket = desk.ticket(0)
    with desk.inside(desk.scope):
        held = reply(desk.at(59.9), ticket, "It is the fuse.", status="open").id
    with desk.inside(desk.scope):
        assert sweeping.check(desk.system(60.05), ticket) == 0
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(60.05)) == 0
    with desk.inside(desk.scope):
        if way == "leaves":
            assert release(desk.at(60.2), held)
        else:
            withdraw(desk.at(60.05), ticket, held)
    with desk.inside(desk.scope):
        assert sweeping.sweep(desk.system(61)) == (0 if way == "leaves" else 1)
    clock = desk.clock(ticket, "first_response")
    if way == "leaves":
        assert (clock.breached_at, clock.met_at) == (None, NINE + timedelta(minutes=59.9))
    else:
        assert clock.breached_at == NINE + timedelta(minutes=60)
    desk.agree(ticket, 61)


def test_what_fails_in_one_organisation_keeps_no_other_waiting(
    app: Any, desk: Desk, globex: Any, inside: Callable[..., Any], crowd: Any, admin: Any, run_jobs: Callable[[], int]
) -> None:
    desks = {one.scope.tenant_id: one for one in (desk, Desk(globex, inside))}
    for one in desks.values():
        one.policy(one.calendar())
        one.ticket(-10_000)
    with app.app_context(), no_tenant():
        first, second = queries.tenants_with_sla_due(now())
    broken = """insert into sla_alerts (tenant_id, id, user_id, ticket_id, name, ordinal, what, at)
        select tenant_id, id, id, %s, 'nothing', 1, 'breach:0', now() from users where tenant_id = %s limit 1"""
    with inside(desks[first].scope):
        ticket = db.session.scalars(select(Ticket.id)).one()
    admin.execute(broken, (ticket, first))
    with app.app_context():
        queue.enqueue("jobs.sla.sweep", queue="sweeps")
    run_jobs()
    assert desks[second].events("sla-breached")
