"""What service levels cost: `python -m benchmarks.sla`.

Prints how many tickets the engine evaluates a second on one core, and what a sweep takes by how many clocks run and how
many of them something has come to: it must go by the second number, not by the first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from app import create_app
from app.accounts import queries as accounts
from app.accounts.actions import create_tenant
from app.core import db as database
from app.core import migrating
from app.core.records import actions as records
from app.core.scope import Scope, no_tenant, tenant_context
from app.embedded import create_database, drop_database
from app.tickets.actions import sweeping
from app.tickets.actions.calendars import create_calendar
from app.tickets.actions.policies import create_policy
from app.tickets.definition import TICKETS
from app.tickets.rules.business_time import MINUTE, Calendar, Holiday, Window, micros
from app.tickets.rules.definitions import ALWAYS
from app.tickets.rules.sla import Happened, Policy, evaluate
from benchmarks.data import Plan, _servers, _settings

PLAN = Plan("bench_sla", (), 3)
CASES = ((100_000, 1_000), (10_000, 1_000), (100_000, 0))
TICKETS_EVALUATED = 50_000
WANTED = 20_000
_DEFINITION = {
    "conditions": {}, "first_response": 60, "next_response": None, "resolution": None, "pause_on": [],
    "pause_targets": [], "reopen": "resume", "warn_percent": [], "escalations": [],
}  # fmt: skip


def main() -> None:
    rate = engine_rate()
    print(f"engine: {rate:,.0f} tickets a second on one core, {rate / WANTED:.1f} × the {WANTED:,} wanted\n")
    print(
        "| clocks running | of them due | sweep, ms | a due one, ms | looking, nothing due, ms |\n|---|---|---|---|---|"
    )
    times: dict[tuple[int, int], float] = {}
    with prepared() as scope:
        for running, due in CASES:
            fill(scope, running)
            sweep(scope)  # plans and caches are warm from here on
            nothing = min(sweep(scope) for _ in range(5))
            make_due(scope, due)
            took = times[running, due] = sweep(scope) if due else nothing
            each = f"{took / due:.2f}" if due else ""
            print(f"| {running:,} | {due:,} | {took:.1f} | {each} | {nothing:.1f} |", flush=True)
    big, small, none = (times[case] for case in CASES)
    print(f"\nten times the running clocks: {big / small:.2f} ×; none due instead of 1,000: {none / big:.3f} ×")


def engine_rate() -> float:
    """Tickets a second: eight things happened to each, within some days of a calendar with holidays."""
    week = [[Window(9 * 60, 12 * 60), Window(13 * 60, 17 * 60)]] * 5 + [[], []]
    feast = Holiday(date(2024, 12, 24), date(2024, 12, 26), yearly=True)
    calendar = Calendar(ZoneInfo("Europe/Berlin"), week, [feast])
    policy = Policy(
        {"first_response": 60, "next_response": 120, "resolution": 960}, warn_percent=(50, 80), escalations=(0, 60)
    )
    chance, begin = random.Random(4), micros(datetime(2026, 11, 2, 8, tzinfo=UTC))
    happenings = ("agent_public_reply", "customer_message", "agent_internal_note", "agent_public_reply")
    moves = (("status", "pending"), ("status", "open"), ("status", "resolved"))
    histories = []
    for number in range(TICKETS_EVALUATED):
        at = begin + number * MINUTE
        history = [Happened(at, "created", "new")]
        for what, value in (*((one, None) for one in happenings), *moves):
            at += chance.randrange(1, 480) * MINUTE
            history.append(Happened(at, what, value))
        histories.append((history, at + MINUTE))
    began = time.process_time()
    for history, now in histories:
        evaluate(policy, calendar, history, now)
    return TICKETS_EVALUATED / (time.process_time() - began)


class prepared:
    """A database of its own with one tenant, a calendar and a policy; the scope is inside its application."""

    def __enter__(self) -> Scope:
        servers = _servers()
        drop_database(servers, PLAN.name)
        settings = _settings(create_database(servers, PLAN.name), PLAN)
        migrating.upgrade(settings)
        self._app = create_app(settings).app_context()
        self._app.push()
        with database.as_migrator(settings) as session, no_tenant():
            tenant_id = create_tenant(session, slug="bench", name="Bench", at=datetime.now(UTC))
        self._tenant = tenant_context(tenant_id)
        self._tenant.__enter__()
        scope = accounts.system_scope(tenant_id)
        calendar = create_calendar(scope, "Always", {**ALWAYS, "holidays": []})
        create_policy(scope, "An hour", calendar, _DEFINITION)
        database.commit()
        return scope

    def __exit__(self, *_: object) -> None:
        self._tenant.__exit__(None, None, None)
        self._app.pop()


def fill(scope: Scope, count: int) -> None:
    """So many tickets with a clock that runs for years: copies of one that the application made."""
    with psycopg.connect(_admin_url(), autocommit=True) as admin:
        admin.execute("truncate tickets, events, outbox, event_deliveries cascade")
    ahead = replace(scope, now=scope.now + timedelta(days=365))
    made = records.create_record(ahead, TICKETS, {"subject": "Help", "requester_name": "Doe"})
    database.commit()
    fresh = "create temporary table fresh as select uuidv7() as id, n from generate_series(1, %s::integer) as n"
    with psycopg.connect(_admin_url(), autocommit=True) as admin:
        admin.execute(fresh, (count - 1,))
        for table, changed in (
            ("tickets", {"id": "fresh.id", "number": "t.number + fresh.n"}),
            ("sla_history", {"ticket_id": "fresh.id"}),
            ("sla_clocks", {"ticket_id": "fresh.id"}),
        ):
            _multiply(admin, table, changed, made)
            admin.execute(f"vacuum analyze {table}".encode())


def _multiply(admin: psycopg.Connection[Any], table: str, changed: Mapping[str, str], made: UUID) -> None:
    known = "select column_name from information_schema.columns where table_name = %s and is_generated = 'NEVER'"
    names = [row[0] for row in admin.execute(known, (table,))]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f't."{name}"') for name in names)
    key = "id" if table == "tickets" else "ticket_id"
    copy = f"insert into {table} ({columns}) select {values} from {table} as t, fresh where t.{key} = %s"
    admin.execute(copy.encode(), (made,))


def make_due(scope: Scope, count: int) -> None:
    """So many of them were begun two hours ago, a second apart."""
    some = "select id, row_number() over (order by id) as n from tickets order by id limit %(count)s"
    begun = "cast(%(now)s as timestamptz) - interval '2 hours' + s.n * interval '1 second'"
    with psycopg.connect(_admin_url(), autocommit=True) as admin:
        for statement in (
            f"update sla_history h set at = {begun} from ({some}) s where h.ticket_id = s.id",
            f"update sla_clocks c set next_at = {begun} + interval '1 hour' from ({some}) s where c.ticket_id = s.id",
            "vacuum analyze sla_clocks",
            "vacuum analyze sla_history",
            "vacuum analyze tickets",
        ):
            admin.execute(statement.encode(), {"now": scope.now, "count": count})


def _admin_url() -> str:
    return database.libpq_url(_servers().admin_url.replace("/postgres?", f"/{PLAN.name}?"))


def sweep(scope: Scope) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    sweeping.sweep(scope)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
