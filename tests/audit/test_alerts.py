"""Alerts come from events, once a cause and window, and go to the owners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

from sqlalchemy import delete, select

from app.audit.models import Alert
from app.core import dispatcher
from app.core.clock import now
from app.core.events import Event, OutboxRow, publish
from app.core.records.events import RecordDeleted, RecordsExported
from app.extensions import db


@dataclass(frozen=True, slots=True)
class Refused(Event):
    verb: ClassVar[str] = "refused"
    reason: str = "wrong password"


@dataclass(frozen=True, slots=True)
class Locked(Event):
    verb: ClassVar[str] = "locked"


def _dispatched(app, inside, scope, *events, at=None):
    """The alerts there are after these events were written at `at` and handed over, as rule and count."""
    with inside(scope):
        publish(replace(scope, now=at or now()), *events)
    with app.app_context():
        dispatcher.dispatch(scope.tenant_id)
    with inside(scope):
        return sorted((row.rule, row.count) for row in db.session.scalars(select(Alert)))


def test_failed_sign_ins_are_counted_over_ten_minutes(app, inside, acme):
    at = now()
    some = [Refused("sign_in", uuid4()) for _ in range(10)]
    assert _dispatched(app, inside, acme, *some, at=at - timedelta(minutes=11)) == []
    assert _dispatched(app, inside, acme, *some, *some[:9], at=at) == []
    assert _dispatched(app, inside, acme, some[0], at=at) == [("failed_sign_ins", 20)]
    assert _dispatched(app, inside, acme, *some, at=at + timedelta(minutes=1)) == [("failed_sign_ins", 20)]


def test_another_tenants_are_not_counted(app, inside, acme, globex):
    some = [Refused("sign_in", uuid4()) for _ in range(10)]
    assert _dispatched(app, inside, globex, *some) == []
    assert _dispatched(app, inside, acme, *some) == []


def test_exports_by_rows_and_by_number(app, inside, acme):
    small = RecordsExported("lead", uuid4(), columns=("email",), query="", rows=10)
    assert _dispatched(app, inside, acme, *[small] * 4) == []
    assert _dispatched(app, inside, acme, small) == [("many_exports", 5)]
    great = RecordsExported("lead", uuid4(), columns=("email",), query="", rows=10_000)
    assert ("mass_export", 10_050) in _dispatched(app, inside, acme, great)


def test_very_many_deletions(app, inside, acme):
    gone = [RecordDeleted("lead", uuid4(), title="", deletion_id=uuid4()) for _ in range(500)]
    with inside(acme):
        # Counted like the others; each was handed over already, and there were fewer then.
        publish(replace(acme, now=now()), *gone[:450])
        db.session.execute(delete(OutboxRow))
    assert _dispatched(app, inside, acme, *gone[450:499]) == []
    assert _dispatched(app, inside, acme, gone[499]) == [("mass_deletion", 500)]


def test_an_alert_is_one_however_often_its_event_is_delivered(app, inside, acme, admin, sent_mails, run_jobs):
    assert _dispatched(app, inside, acme, Locked("sign_in", uuid4())) == [("locked", 1)]
    admin.execute("delete from event_deliveries")
    admin.execute(
        "insert into outbox (tenant_id, id, lease_until, attempts) select tenant_id, id, now(), 0 from events"
    )
    assert _dispatched(app, inside, acme) == [("locked", 1)]
    assert admin.execute("select count(*) from events where type = 'alert.raised'").fetchone() == (1,)
    assert admin.execute("select to_address, subject from outgoing_mails").fetchall() == [
        ("owner@acme.example", "Sign-in locked after too many tries")
    ]
