"""Databases to measure on, built once and kept: `python -m benchmarks.data [--fresh]`.

`hundred` has ten tenants of 100,000 leads (1,000,000 in all), `million` one of 1,000,000 and one of 10,000;
`tickets` has ten tenants of 100,000 tickets.
Every row's derived columns come from the application's own `derive`, so lists, sorts and searches meet what
they would meet in production. The servers are the embedded ones, in a state directory of their own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import redis
from sqlalchemy import select

from app import create_app
from app.accounts.actions import create_tenant
from app.accounts.commands import seed_people
from app.accounts.models import User
from app.accounts.queries import system_scope
from app.accounts.rules import ROLES
from app.config import Settings
from app.core import db as database
from app.core import migrating
from app.core.records.kind import kind_named
from app.core.scope import Scope, no_tenant, tenant_context
from app.embedded import Servers, create_database, drop_database, ensure_servers
from app.tickets.actions.numbering import take_numbers
from benchmarks import PASSWORD, STATE, desk, leads
from benchmarks.desk import Desk

BEGIN = datetime(2024, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
_BUILD_MEMORY = "512MB"
_LOADERS = 2


Tenant = tuple[UUID, Desk]


@dataclass(frozen=True, slots=True)
class Plan:
    """A database: its tenants, how many records each has, the Redis database that goes with it, and their kind."""

    name: str
    tenants: tuple[tuple[str, int], ...]
    store: int
    kind: str = "lead"

    @property
    def table(self) -> str:
        return f"{self.kind}s"


HUNDRED = Plan("bench_hundred", tuple((f"t{number:02d}", 100_000) for number in range(1, 11)), 1)
MILLION = Plan("bench_million", (("big", 1_000_000), ("small", 10_000)), 2)
LIVE = Plan("bench_live", (("t01", 20_000),), 3)
TICKETS = Plan("bench_tickets", HUNDRED.tenants, 4, "ticket")
PLANS = (HUNDRED, MILLION, LIVE, TICKETS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="build anew even what is there")
    fresh = parser.parse_args().fresh
    with ProcessPoolExecutor(len(PLANS)) as pool:
        for line in pool.map(build, PLANS, [fresh] * len(PLANS)):
            print(line)


def settings_of(plan: Plan) -> Settings:
    """The application's settings on this database; built if it is missing."""
    build(plan)
    return _settings(_in_database(_servers(), plan.name), plan)


def build(plan: Plan, fresh: bool = False) -> str:
    """Makes the database unless it is there and whole; says what it did."""
    servers = _servers()
    if not fresh and _is_whole(servers, plan):
        return f"{plan.name}: kept"
    began = time.perf_counter()
    drop_database(servers, plan.name)
    own = create_database(servers, plan.name)
    settings = _settings(own, plan)
    # What is cached of the database that was there before names tenants that are gone.
    redis.Redis.from_url(settings.redis_url).flushdb()
    migrating.upgrade(settings)
    tenants = _make_tenants(settings, plan)
    with psycopg.connect(database.libpq_url(own.migrator_url), autocommit=True) as connection:
        _fill(connection, _admin_url(servers, plan), plan, tenants)
        checked = check_sample(connection, plan)
    if plan == TICKETS:
        _live_at(settings, tenants)
    _as_admin(servers, f"comment on database {plan.name} is 'whole'")
    return f"{plan.name}: built in {time.perf_counter() - began:.0f} s; {checked} sampled rows agree with derive()"


def check_sample(connection: psycopg.Connection[Any], plan: Plan, most: int = 500) -> int:
    """Compares the stored derived columns of some rows with `derive`. Returns how many were looked at."""
    cursor = connection.execute(f"select * from {plan.table} tablesample system (1) limit {most}".encode())
    derive = kind_named(plan.kind).derive
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    for row in rows:
        for name, expected in derive(row).items():
            assert row[name] == expected, f"{name} of {row['id']}: {row[name]!r}, not {expected!r}"
    assert rows, "there is nothing to sample"
    return len(rows)


def _fill(connection: psycopg.Connection[Any], admin_url: str, plan: Plan, tenants: dict[str, Tenant]) -> None:
    """Copies the records in with their indexes taken off, puts these back, and adds events."""
    indexes = connection.execute(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index where indrelid = %s::regclass "
        "and not exists (select from pg_constraint where conindid = indexrelid)",
        (plan.table,),
    ).fetchall()
    connection.execute("set role fairlead_owner")
    for name, _ in indexes:
        connection.execute(f"drop index {name}".encode())
    connection.execute("reset role")
    loads = [(admin_url, plan, position, *tenants[slug]) for position, (slug, _) in enumerate(plan.tenants)]
    with ProcessPoolExecutor(_LOADERS) as pool:
        list(pool.map(_copy, *zip(*loads, strict=True)))
    connection.execute("set role fairlead_owner")
    connection.execute(f"set maintenance_work_mem = '{_BUILD_MEMORY}'".encode())
    for _, definition in indexes:
        connection.execute(definition.encode())
    connection.execute("reset role")
    _add_events(connection, plan, *tenants[plan.tenants[0][0]])
    connection.execute("set role fairlead_owner")
    connection.execute("vacuum (analyze)")
    connection.execute("reset role")


def _copy(admin_url: str, plan: Plan, position: int, tenant_id: UUID, house: Desk) -> None:
    """A tenant's rows; what they refer to was made by us, so that nobody has to look it up."""
    rows = _rows(plan, position, house)
    first = next(rows)
    statement = f"copy {plan.table} (tenant_id, {', '.join(first)}) from stdin"
    with psycopg.connect(admin_url) as connection:
        connection.execute("set session_replication_role = replica")
        with connection.cursor().copy(statement.encode()) as copy:
            copy.write_row((tenant_id, *first.values()))
            for row in rows:
                copy.write_row((tenant_id, *row.values()))


def _rows(plan: Plan, position: int, house: Desk) -> Iterator[dict[str, Any]]:
    count = plan.tenants[position][1]
    if plan.kind == "ticket":
        return desk.tickets(count, position, house, BEGIN, END)
    return leads.leads(count, position, house.owners, BEGIN, END)


def _add_events(connection: psycopg.Connection[Any], plan: Plan, tenant_id: UUID, house: Desk) -> None:
    """Unsealed. Each record was created once; the newest lead has a timeline of 200 entries, a fifth notes."""
    if plan not in (HUNDRED, TICKETS):
        return
    created = (
        "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_name, data, at, digest, seal, "
        f"seal_key) select tenant_id, id, '{plan.kind}.created', '{plan.kind}', id, 'Olivia', '{{\"title\": \"\"}}', "
        f"created_at, '', '', '' from {plan.table} where tenant_id = %s"
    )
    connection.execute(created.encode(), (tenant_id,))
    if plan == HUNDRED:
        leads.add_timeline(connection, tenant_id, house.owners, END)


def _make_tenants(settings: Settings, plan: Plan) -> dict[str, Tenant]:
    """Tenants with one person per role; by slug: the tenant's id, and those who may own records."""
    made: dict[str, Tenant] = {}
    app = create_app(settings)
    with app.app_context():
        for slug, _ in plan.tenants:
            with database.as_migrator(settings) as session, no_tenant():
                tenant_id = create_tenant(session, slug=slug, name=slug.title(), at=BEGIN)
            with tenant_context(tenant_id):
                seed_people(slug, PASSWORD)
                owners = list(database.db.session.scalars(select(User.id).order_by(User.email)))
                assert len(owners) == len(ROLES), slug
                house = _house(system_scope(tenant_id), plan, owners)
                database.commit()
            made[slug] = (tenant_id, house)
        database.db.engine.dispose()
    return made


def _house(scope: Scope, plan: Plan, owners: list[UUID]) -> Desk:
    return desk.set_up(scope, owners) if plan.kind == "ticket" else Desk(owners, [], [])


def _live_at(settings: Settings, tenants: dict[str, Tenant]) -> None:
    """Conversations in the first tenant, classifiers in the second, and numbers that go on after the last."""
    with (
        create_app(settings).app_context(),
        psycopg.connect(database.libpq_url(settings.migrator_url), autocommit=True) as connection,
    ):
        for slug, (tenant_id, house) in tenants.items():
            with tenant_context(tenant_id):
                take_numbers(system_scope(tenant_id), dict(TICKETS.tenants)[slug])
                if slug == TICKETS.tenants[0][0]:
                    desk.converse(connection, system_scope(tenant_id), house)
                if slug == desk.TRAINED:
                    desk.train(system_scope(tenant_id))
                database.commit()
        database.db.engine.dispose()


def _admin_url(servers: Servers, plan: Plan) -> str:
    return database.libpq_url(servers.admin_url.replace("/postgres?", f"/{plan.name}?"))


def _settings(servers: Servers, plan: Plan) -> Settings:
    return Settings(
        database_url=servers.app_url,
        migrator_url=servers.migrator_url,
        redis_url=f"{servers.redis_url.partition('?')[0]}?db={plan.store}",
        secret_key="only-for-benchmarks-0123456789abcdef01234",
        encryption_keys=(("b1", b"only for benchmarks, not for use"),),
        state_dir=STATE,
        secure_cookies=False,
        log_format="json",
        rate_limits=False,
    )


def _servers() -> Servers:
    return ensure_servers(STATE)


def _in_database(servers: Servers, name: str) -> Servers:
    def there(url: str) -> str:
        return url.replace("/fairlead?", f"/{name}?")

    urls = {role: there(getattr(servers, role)) for role in ("migrator_url", "app_url", "operator_url")}
    return replace(servers, **urls)


def _is_whole(servers: Servers, plan: Plan) -> bool:
    sql = "select shobj_description(oid, 'pg_database') from pg_database where datname = %s"
    with psycopg.connect(database.libpq_url(servers.admin_url)) as connection:
        row = connection.execute(sql, (plan.name,)).fetchone()
    return row is not None and row[0] == "whole"


def _as_admin(servers: Servers, sql: str) -> None:
    with psycopg.connect(database.libpq_url(servers.admin_url), autocommit=True) as connection:
        connection.execute(sql.encode())


if __name__ == "__main__":
    main()
