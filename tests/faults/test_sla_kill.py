"""kill -9 of the worker and the scheduler in the middle of the clocks' work: afterwards no clock is wrong.

The house's product does the work; the tests ring, as the scheduler does every five minutes, and look past the policies.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.accounts import queries as accounts
from app.core import db as database
from app.core import queue
from app.core.clock import now
from app.core.records import actions as records
from app.core.scope import Scope, tenant_context
from app.extensions import db
from app.tickets.actions.calendars import create_calendar
from app.tickets.actions.policies import create_policy
from app.tickets.definition import TICKETS
from app.tickets.models import SlaClock, Ticket
from app.tickets.queries import clocks as queries
from tests.faults.conftest import House, until
from tests.tickets.sla import ALL_DAY, check_equal, level, promise

TICKETS_DUE = 300
FIRED = "select count(*) from events where type like 'ticket.sla-%'"


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[Flask]:
    made = create_app(house.site.servers.settings)
    yield made
    with made.app_context():
        db.engine.dispose()


@contextmanager
def acme(app: Flask) -> Iterator[Scope]:
    with app.app_context():
        found = accounts.find_tenant("acme")
        assert found is not None
        with tenant_context(found.id):
            yield accounts.system_scope(found.id)
            database.commit()


def begin(app: Flask, count: int) -> list[UUID]:
    """Tickets of two hours ago: each was warned, breached and escalated while nobody looked."""
    with acme(app) as scope:
        past = replace(scope, now=now() - timedelta(hours=2))
        calendar = create_calendar(past, f"Always {time.time_ns()}", {"tz": "UTC", "weekly": ALL_DAY, "holidays": []})
        levels = [level(5, notify_managers=True, raise_priority=True)]
        definition = promise(first_response=60, next_response=None, resolution=None, escalations=levels)
        create_policy(past, "An hour", calendar, definition | {"conditions": {"tag": [calendar.hex]}})
        values = {"subject": "Help", "requester_name": "Doe", "tags": (calendar.hex,)}
        return [
            records.create_record(replace(past, now=past.now + timedelta(seconds=number)), TICKETS, values)
            for number in range(count)
        ]


def forget_the_rest(house: House) -> None:
    """What the making of so many tickets rang for is nothing of these tests, and stands before them in the queue."""
    with house.admin() as admin:
        admin.execute("delete from outbox")
    house.redis().flushdb()


def ring(app: Flask) -> None:
    with app.app_context():
        assert queue.enqueue("jobs.sla.sweep", queue="sweeps")


def all_right(app: Flask, tickets: list[UUID]) -> None:
    """Stored is what the history says, and each thing was published once."""
    with acme(app) as scope:
        for ticket_id in tickets:
            stored = queries.get_clocks(scope, [ticket_id])[ticket_id]
            # As of when it was last written: nothing more comes to such a ticket.
            check_equal(queries.get_track(scope, queries.get_history(scope, ticket_id), now()), stored)
            assert stored["first_response", 1].breached_at is not None
        rows = db.session.scalars(select(Ticket).where(Ticket.id.in_(tickets))).all()
        assert {row.priority for row in rows} == {"high"}
        assert {row.sla_state for row in rows} == {"breached"}


def published(house: House) -> Counter[int]:
    with house.admin() as admin:
        rows = admin.execute(
            "select count(*) from events where type like 'ticket.sla-%' "
            "group by subject_id, type, data->>'level', data->>'percent'"
        ).fetchall()
    return Counter(int(row[0]) for row in rows)


def test_the_worker_dies_in_the_middle_of_a_sweep(house: House, app: Flask) -> None:
    house.site.kill("worker")
    tickets = begin(app, TICKETS_DUE)
    forget_the_rest(house)
    ring(app)
    house.site.start("worker")
    for killed_after in (100, 400):
        until(lambda at=killed_after: house.ask(FIRED) >= at, 180)
        house.site.kill("worker")
        assert killed_after <= house.ask(FIRED) < 3 * TICKETS_DUE, "it was not in the middle"
        forget_the_rest(house)
        ring(app)
        house.site.start("worker")
    until(lambda: house.ask(FIRED) == 3 * TICKETS_DUE, 180)
    until(lambda: house.ask("select count(*) from sla_alerts") == 0, 120)
    all_right(app, tickets)
    assert published(house) == {1: 3 * TICKETS_DUE}
    manager = "select count(*) from notices n join users u on u.id = n.user_id where u.role = 'manager'"
    assert 1 <= house.ask(manager) <= 4, "one digest for each run that got as far as telling"


def test_the_scheduler_dies_while_a_clock_waits_for_its_instant(house: House, app: Flask) -> None:
    """Its job is in Redis: the next scheduler rings it. Were Redis empty, the sweep would notice."""
    house.site.kill("scheduler")
    house.site.kill("worker")
    forget_the_rest(house)
    with acme(app) as scope:
        calendar = create_calendar(scope, f"Always {time.time_ns()}", {"tz": "UTC", "weekly": ALL_DAY, "holidays": []})
        definition = promise(first_response=1, next_response=None, resolution=None, warn_percent=[])
        create_policy(scope, "A minute", calendar, definition | {"conditions": {"tag": [calendar.hex]}})
        # Due in four seconds.
        begun = replace(scope, now=now() - timedelta(seconds=56))
        values = {"subject": "Soon", "requester_name": "Doe", "tags": (calendar.hex,)}
        waiting, forgotten = (records.create_record(begun, TICKETS, values) for _ in range(2))
    keys = [key for key in house.redis().zrange("rq:scheduled:default", 0, -1) if str(forgotten).encode() in key]
    assert len(keys) == 1
    house.redis().zrem("rq:scheduled:default", *keys)
    house.site.start("scheduler", "worker")
    breached = "select count(*) from sla_clocks where breached_at is not null and ticket_id = '{}'"
    until(lambda: house.ask(breached.format(waiting)) == 1, 180)
    ring(app)
    until(lambda: house.ask(breached.format(forgotten)) == 1, 180)
    with acme(app) as scope:
        for ticket_id in (waiting, forgotten):
            row = db.session.get_one(SlaClock, (scope.tenant_id, ticket_id, "first_response", 1))
            assert row.breached_at == begun.now + timedelta(minutes=1)


def test_the_worker_dies_while_a_change_is_on_its_way(house: House, app: Flask) -> None:
    """Each ticket takes the change once."""
    from app.tickets.actions.policies import update_policy
    from app.tickets.queries.policies import list_policies

    with acme(app) as scope:
        calendar = create_calendar(scope, f"Always {time.time_ns()}", {"tz": "UTC", "weekly": ALL_DAY, "holidays": []})
        tag = {"conditions": {"tag": [calendar.hex]}}
        policy = create_policy(scope, "Long", calendar, promise(first_response=500) | tag)
        values = {"subject": "Long", "requester_name": "Doe", "tags": (calendar.hex,)}
        tickets = [records.create_record(scope, TICKETS, values) for _ in range(300)]
    house.site.kill("worker")
    forget_the_rest(house)
    with acme(app) as scope:
        version = next(one for one in list_policies(scope) if one.id == policy).version
        update_policy(scope, policy, version, "Long", calendar, promise(first_response=600) | tag)
    house.site.start("worker")
    taken = f"select count(*) from sla_history where what = 'policy' and value->>'policy' = '{policy}'"
    until(lambda: house.ask(taken) >= 100, 180)
    house.site.kill("worker")
    assert house.ask(taken) < len(tickets), "it was not in the middle"
    with house.admin() as admin:  # as two minutes later, when nobody holds it any more
        admin.execute("update sla_changes set lease_until = now() - interval '1 second' where done_at is null")
    forget_the_rest(house)
    ring(app)
    house.site.start("worker")
    until(lambda: house.ask("select count(*) from sla_changes where done_at is null") == 0, 180)
    assert house.ask(taken) == len(tickets)
    with acme(app) as scope:
        for ticket_id in tickets[::50]:
            stored = queries.get_clocks(scope, [ticket_id])[ticket_id]
            assert stored["first_response", 1].target == 600
            check_equal(queries.get_track(scope, queries.get_history(scope, ticket_id), now()), stored)
