"""Events reach their subscribers once, whatever dies in between."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core import dispatcher, queue
from app.core.clock import new_id, now
from app.core.events import DeliveryRow, Event, EventRow, OutboxRow, publish
from app.core.records.kind import kind_named
from app.core.scope import Scope, no_tenant
from app.extensions import db
from jobs.schedule import SCHEDULE, Scheduled
from tests.support.servers import with_settings
from tests.support.world import World


class Happened(Event):
    verb = "tried"


@pytest.fixture
def subscriber():
    """Subscribes for this test only; `fail` makes it fail that many times."""
    seen: list[str] = []
    state = {"fail": 0}

    def handle(event: EventRow) -> None:
        if state["fail"]:
            state["fail"] -= 1
            raise RuntimeError("not now")
        seen.append(str(event.subject_id))

    dispatcher.subscribe("test", frozenset({"thing.tried"}), handle)
    yield seen, state
    dispatcher._subscribers.pop("test")


def _publish(inside, scope):
    subject = new_id()
    with inside(scope):
        publish(scope, Happened("thing", subject))
    return str(subject)


def _waiting(inside, scope):
    with inside(scope):
        return len(db.session.scalars(select(OutboxRow)).all())


def test_an_event_is_handed_over_and_recorded(inside, acme, subscriber, run_jobs):
    subject = _publish(inside, acme)
    assert run_jobs() == 1
    assert subscriber[0] == [subject]
    assert _waiting(inside, acme) == 0
    with inside(acme):
        assert [row.subscriber for row in db.session.scalars(select(DeliveryRow))] == ["test"]


def test_many_commits_ring_once(inside, acme, subscriber, run_jobs):
    for _ in range(5):
        _publish(inside, acme)
    assert run_jobs() == 1
    assert len(subscriber[0]) == 5


def test_rolled_back_is_never_told(inside, acme, subscriber, run_jobs):
    with pytest.raises(ZeroDivisionError), inside(acme):
        publish(acme, Happened("thing", new_id()))
        raise ZeroDivisionError
    assert run_jobs() == 0
    assert subscriber[0] == []


def test_a_failure_is_tried_again_after_its_lease(inside, acme, subscriber, run_jobs):
    seen, state = subscriber
    state["fail"] = 1
    subject = _publish(inside, acme)
    run_jobs()
    assert seen == []
    assert _waiting(inside, acme) == 1
    with inside(acme):
        dispatcher.dispatch(acme.tenant_id)
    assert seen == [], "its lease has not run out"
    with inside(acme):
        db.session.execute(update(OutboxRow).values(lease_until=now() - timedelta(seconds=1)))
    with inside(acme):
        dispatcher.dispatch(acme.tenant_id)
    assert seen == [subject]
    assert _waiting(inside, acme) == 0


def test_the_sweep_finds_what_was_never_rung_for(app, inside, acme, globex, subscriber, run_jobs, bell):
    subjects = {_publish(inside, acme), _publish(inside, globex)}
    bell.flushdb()  # claim 8: Redis emptied
    assert run_jobs() == 0
    with app.app_context():
        queue.enqueue("jobs.events.sweep", queue="sweeps")
    run_jobs()
    assert set(subscriber[0]) == subjects


def test_the_definer_function_tells_tenants_and_nothing_more(inside, acme, globex, app):
    _publish(inside, acme)
    with app.app_context():
        assert dispatcher.tenants_waiting() == [acme.tenant_id]
        with no_tenant():
            assert db.session.scalars(select(OutboxRow)).all() == []
            db.session.rollback()


def test_claim_35_every_change_has_its_event_in_the_same_transaction(inside, acme, admin):
    from app.accounts.actions import create_user

    with pytest.raises(ZeroDivisionError), inside(acme):
        create_user(acme, email="x@x.example", name="X", role="agent", password="long enough it is")
        raise ZeroDivisionError
    assert admin.execute("select count(*) from events").fetchone() == (0,)
    with inside(acme):
        create_user(acme, email="x@x.example", name="X", role="agent", password="long enough it is")
    assert admin.execute("select type, data from events").fetchall() == [("user.created", {"role": "agent"})]


def test_redis_away_loses_no_event(settings, inside, acme, subscriber, run_jobs, app):
    """The doorbell is broken: the commit stands, and the next sweep finds it."""
    from app import create_app
    from app.core import db as database
    from app.core.scope import tenant_context

    away = create_app(with_settings(settings, redis_url="redis://127.0.0.1:1/0"))
    subject = new_id()
    with away.app_context(), tenant_context(acme.tenant_id):
        publish(acme, Happened("thing", subject))
        database.commit()
    with app.app_context():
        queue.enqueue("jobs.events.sweep", queue="sweeps")
    run_jobs()
    assert subscriber[0] == [str(subject)]


def test_every_scheduled_job_resolves_and_its_queue_has_a_worker():
    for item in SCHEDULE:
        module, _, name = item.job.rpartition(".")
        assert getattr(getattr(import_module(module), name), "__job__", False), f"{item.job} needs @job"
        assert item.queue in queue.QUEUES
        assert bool(item.every) != bool(item.cron)


@pytest.mark.parametrize("item", SCHEDULE, ids=lambda item: item.job)
def test_every_scheduled_job_runs_as_the_scheduler_rings_it(
    app: Flask, acme: Scope, inside: Callable[..., Any], item: Scheduled
) -> None:
    """With no tenant and no arguments, on a database with something in it: each enters the tenants it is for."""
    World(acme, inside, kind_named("ticket")).add()
    module, _, name = item.job.rpartition(".")
    with app.app_context():
        getattr(import_module(module), name)()


def test_what_takes_minutes_comes_last():
    """A worker takes from the first queue that holds something: no import or training may hold up a sweep."""
    assert queue.QUEUES[-1] == "imports"
    assert all(item.queue != "imports" for item in SCHEDULE)
