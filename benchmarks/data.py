"""Databases to measure on, built once and kept: `python -m benchmarks.data [--fresh]`.

`hundred` has ten tenants of 100,000 leads (1,000,000 in all), `million` one of 1,000,000 and one of 10,000.
Every row's derived columns come from the application's own `derive`, so lists, sorts and searches meet what
they would meet in production. The servers are the embedded ones, in a state directory of their own.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg
import redis
from psycopg.types.json import Jsonb

from app import create_app
from app.accounts.actions import create_tenant
from app.accounts.commands import seed_people
from app.accounts.rules import ROLES
from app.config import Settings
from app.core import db as database
from app.core import migrating
from app.core.clock import new_id
from app.core.scope import no_tenant, tenant_context
from app.embedded import Servers, create_database, drop_database, ensure_servers
from app.leads.definition import derive
from benchmarks import PASSWORD, STATE

BEGIN = datetime(2024, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
TIMELINE = 200
_BUILD_MEMORY = "512MB"


@dataclass(frozen=True, slots=True)
class Plan:
    """A database: its tenants, how many leads each has, and the Redis database that goes with it."""

    name: str
    tenants: tuple[tuple[str, int], ...]
    redis: int


HUNDRED = Plan("bench_hundred", tuple((f"t{number:02d}", 100_000) for number in range(1, 11)), 1)
MILLION = Plan("bench_million", (("big", 1_000_000), ("small", 10_000)), 2)
LIVE = Plan("bench_live", (("t01", 20_000),), 3)
PLANS = (HUNDRED, MILLION, LIVE)


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
        _fill(connection, plan, tenants)
        checked = check_sample(connection)
    _as_admin(servers, f"comment on database {plan.name} is 'whole'")
    return f"{plan.name}: built in {time.perf_counter() - began:.0f} s; {checked} sampled rows agree with derive()"


def check_sample(connection: psycopg.Connection[Any], most: int = 500) -> int:
    """Compares the stored derived columns of some rows with `derive`. Returns how many were looked at."""
    cursor = connection.execute(f"select * from leads tablesample system (1) limit {most}".encode())
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    for row in rows:
        for name, expected in derive(row).items():
            assert row[name] == expected, f"{name} of {row['id']}: {row[name]!r}, not {expected!r}"
    assert rows, "there is nothing to sample"
    return len(rows)


def leads(count: int, seed: int, owners: list[UUID]) -> Iterator[dict[str, Any]]:
    """That many leads, oldest first, the same each time: a few names are common, most are rare."""
    chance = random.Random(seed)
    people = _People(chance)
    step = (END - BEGIN) / count
    for number in range(count):
        yield _lead(chance, people, number, BEGIN + step * number, owners)


def _lead(chance: random.Random, people: _People, number: int, at: datetime, owners: list[UUID]) -> dict[str, Any]:
    first, last, company = people.first(), people.last(), people.company()
    host = company.partition(" ")[0].lower()
    mail = f"{first}.{last}{number % 9973}@{host}.example".lower() if chance.random() < 0.9 else None
    amount = Decimal(int(chance.lognormvariate(8.5, 1.2))) if chance.random() < 0.7 else None
    values: dict[str, Any] = {
        "id": _id_at(chance, at),
        "first_name": first,
        "last_name": last,
        "email": mail,
        "phone": f"+1212{chance.randrange(2_000_000, 9_999_999)}" if chance.random() < 0.7 else None,
        "company": company if chance.random() < 0.85 else None,
        "job_title": chance.choices(_TITLES, cum_weights=_TITLE_WEIGHTS)[0],
        "website": f"https://{host}.example",
        "source": chance.choice(("website", "referral", "event", "social", "import", None)),
        "status": chance.choices(_STATUSES, cum_weights=_STATUS_WEIGHTS)[0],
        "rating": chance.choice(("hot", "warm", "cold", None)),
        "estimated_value": amount,
        "currency": "USD" if amount is not None else None,
        "city": chance.choice(_CITIES),
        "country": "United States",
        "postal_code": f"{chance.randrange(501, 99_950):05d}",
        "description": " ".join(chance.choices(_WORDS, k=12)) if chance.random() < 0.3 else None,
        "do_not_contact": chance.random() < 0.03,
        "next_follow_up": date(2026, 11, 1) + timedelta(days=chance.randrange(120)) if chance.random() < 0.25 else None,
        "owner_id": chance.choice(owners) if chance.random() < 0.9 else None,
        "tags": list(dict.fromkeys(chance.choices(_TAGS, cum_weights=_TAG_WEIGHTS, k=chance.choice((0, 0, 1, 2))))),
        "created_at": at,
        "updated_at": at + timedelta(days=chance.expovariate(1 / 20)),
        "version": 1,
    }
    return values | derive(values)


class _People:
    """Names and companies, drawn so that the n-th is about 1/n as common as the first."""

    def __init__(self, chance: random.Random) -> None:
        # Made by an own seed: the names are the same in every tenant.
        names = random.Random(7)
        self._chance = chance
        self._firsts = _FIRSTS + [_word(names, 2).title() for _ in range(400)]
        self._lasts = [_word(names, names.choice((2, 3))).title() for _ in range(6_000)]
        self._companies = [f"{_word(names, 3).title()} {names.choice(_TRADES)}" for _ in range(20_000)]
        self._weights = {size: _zipf(size) for size in (len(self._firsts), len(self._lasts), len(self._companies))}

    def first(self) -> str:
        return self._draw(self._firsts)

    def last(self) -> str:
        return self._draw(self._lasts)

    def company(self) -> str:
        return self._draw(self._companies)

    def _draw(self, pool: list[str]) -> str:
        return self._chance.choices(pool, cum_weights=self._weights[len(pool)])[0]


def _fill(connection: psycopg.Connection[Any], plan: Plan, tenants: dict[str, tuple[UUID, list[UUID]]]) -> None:
    """Copies the leads in with their indexes taken off, puts these back, and adds events."""
    indexes = connection.execute(
        "select indexname, indexdef from pg_indexes where tablename = 'leads' and indexname like 'ix%'"
    ).fetchall()
    connection.execute("set role fairlead_owner")
    for name, _ in indexes:
        connection.execute(f"drop index {name}".encode())
    connection.execute("reset role")
    for position, (slug, count) in enumerate(plan.tenants):
        tenant_id, owners = tenants[slug]
        _copy(connection, tenant_id, leads(count, position, owners))
    connection.execute("set role fairlead_owner")
    connection.execute(f"set maintenance_work_mem = '{_BUILD_MEMORY}'".encode())
    for _, definition in indexes:
        connection.execute(definition.encode())
    connection.execute("reset role")
    if plan == HUNDRED:
        _add_events(connection, *tenants["t01"])
    connection.execute("set role fairlead_owner")
    connection.execute("vacuum (analyze)")
    connection.execute("reset role")


def _copy(connection: psycopg.Connection[Any], tenant_id: UUID, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    columns = list(first)
    statement = f"copy leads (tenant_id, {', '.join(columns)}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write_row((tenant_id, *first.values()))
        for row in rows:
            copy.write_row((tenant_id, *row.values()))


def _add_events(connection: psycopg.Connection[Any], tenant_id: UUID, owners: list[UUID]) -> None:
    """Unsealed. Each lead was created once; the newest has a timeline of 200 entries, a fifth notes."""
    connection.execute(
        "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_name, data, at, digest, seal, "
        "seal_key) select tenant_id, id, 'lead.created', 'lead', id, 'Olivia', '{\"title\": \"\"}', created_at, '', "
        "'', '' from leads where tenant_id = %s",
        (tenant_id,),
    )
    newest = connection.execute(
        "select id from leads where tenant_id = %s order by id desc limit 1", (tenant_id,)
    ).fetchone()
    assert newest is not None
    for number in range(TIMELINE - 1):
        at = END + timedelta(minutes=number)
        event = _event(connection, number, tenant_id, newest[0], owners[0], at)
        connection.execute(
            "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_id, actor_name, data, at, "
            "digest, seal, seal_key) values (%s, %s, %s, 'lead', %s, %s, 'Olivia', %s, %s, '', '', '')",
            (tenant_id, new_id(), event[0], newest[0], owners[0], Jsonb(event[1]), at),
        )


def _event(
    connection: psycopg.Connection[Any], number: int, tenant_id: UUID, lead: UUID, author: UUID, at: datetime
) -> tuple[str, dict[str, Any]]:
    if number % 5 == 0:
        note = new_id()
        connection.execute(
            "insert into notes (tenant_id, id, kind, record_id, author_id, author_name, body, created_at, updated_at, "
            "version) values (%s, %s, 'lead', %s, %s, 'Olivia', %s, %s, %s, 1)",
            (tenant_id, note, lead, author, "Asked for a **price list**:\n\n- in May\n- with a reference", at, at),
        )
        return "lead.noted", {"note_id": str(note)}
    if number % 5 == 1:
        return "lead.moved", {"before": "new", "after": "contacted", "reason": "", "seconds": 3600 * number}
    return "lead.changed", {"changes": {"job_title": ["Buyer", f"Buyer {number}"], "rating": ["warm", "hot"]}}


def _make_tenants(settings: Settings, plan: Plan) -> dict[str, tuple[UUID, list[UUID]]]:
    """Tenants with one person per role; by slug: the tenant's id, and those who may own leads."""
    made: dict[str, tuple[UUID, list[UUID]]] = {}
    app = create_app(settings)
    with app.app_context():
        for slug, _ in plan.tenants:
            with database.as_migrator(settings) as session, no_tenant():
                tenant_id = create_tenant(session, slug=slug, name=slug.title(), at=BEGIN)
            with tenant_context(tenant_id):
                seed_people(slug, PASSWORD)
                database.commit()
            made[slug] = (tenant_id, [])
        database.db.engine.dispose()
    with psycopg.connect(database.libpq_url(settings.migrator_url)) as connection:
        for slug, (tenant_id, owners) in made.items():
            rows = connection.execute("select id from users where tenant_id = %s order by email", (tenant_id,))
            owners += [row[0] for row in rows]
            assert len(owners) == len(ROLES), slug
    return made


def _settings(servers: Servers, plan: Plan) -> Settings:
    return Settings(
        database_url=servers.app_url,
        migrator_url=servers.migrator_url,
        redis_url=f"{servers.redis_url.partition('?')[0]}?db={plan.redis}",
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


def _id_at(chance: random.Random, at: datetime) -> UUID:
    """A UUIDv7 of that instant."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def _zipf(size: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(syllables))


_SYLLABLES = [c + v + e for c in "bdfghjklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s", "l")]
_FIRSTS = ["James", "Mary", "José", "Linda", "Amara", "Bruno", "Chiara", "Elena", "Zoë", "Liam", "Noor", "Søren"]
_TRADES = ("Logistics", "Optics", "Energy", "Clinics", "Freight", "Foods", "Media", "Systems", "Partners", "Tools")
_CITIES = ("Oslo", "Porto", "Austin", "Leeds", "Boston", "Denver", "Lyon", "Gdańsk", "Turin", "Malmö")
_TITLES = ("Sales Manager", "Buyer", "Managing Director", "IT Manager", "Office Manager", "Astronomer", None)
_TITLE_WEIGHTS = list(accumulate((250, 200, 100, 145, 150, 5, 150)))
_STATUSES = ("new", "contacted", "qualified", "converted", "nurturing", "unqualified", "lost")
_STATUS_WEIGHTS = list(accumulate((40, 20, 10, 8, 10, 7, 5)))
_TAGS = [f"segment {number}" for number in range(1, 25)] + ["vip", "newsletter", "fair", "partner", "press", "trial"]
_TAG_WEIGHTS = _zipf(len(_TAGS))
_WORDS = (  # noqa: SIM905
    "asked for a price list and call next week about delivery in may wants reference from region budget is decided "
    "quarter met at fair sent offer waiting answer contract renewal competitor demo trial support invoice"
).split()


if __name__ == "__main__":
    main()
