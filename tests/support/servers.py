"""Real servers for the tests: one PostgreSQL and one Redis for all workers, a database for each of them.

The servers live in `var/test` and outlive the run, so the next one starts at once. The schema is migrated
once per set of migrations, into a template that every worker's database is cloned from.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy.engine import make_url

from app import create_app
from app.accounts.actions import create_tenant
from app.accounts.commands import DEMO_TENANTS, seed_people
from app.config import ROOT, Settings
from app.core import db as database
from app.core import migrating
from app.core.clock import now
from app.core.scope import no_tenant, tenant_context
from app.embedded import Servers, create_database, drop_database, ensure_servers

STATE = Path(os.environ.get("FAIRLEAD_TEST_STATE", ROOT / "var" / "test"))
PASSWORD = "correct horse battery"
KEYS = (("t2", b"only for tests, the current key."), ("t1", b"only for tests, the one before ."))
"""A ring of two keys; `keys_text` is the same as a process is told."""
_WORKER = re.compile(r"(site)?([a-z]*?)(?:gw(\d+)|alone)?")
_MOST_WORKERS = 5
_CHANGES_TEMPLATE = ("migrations", "app/accounts", "tests/support/servers.py", "deploy/postgres/roles.sql")


@dataclass(frozen=True)
class TestServers:
    """Where one worker's database and Redis are."""

    settings: Settings
    admin_url: str
    database: str

    __test__ = False


def provide(worker: str) -> TestServers:
    """Starts what is missing and makes a fresh database for this worker."""
    version = pg_version()
    servers = ensure_servers(STATE, pg_version=version, fast=True)
    template = _template(servers, version)
    name = f"fairlead_{worker}_{os.getpid() if worker == 'alone' else ''}".rstrip("_")
    with _locked("databases"):
        _drop_leftovers(servers, worker)
        own = create_database(servers, name, template=template)
    return TestServers(_settings(own, worker), _in_database(servers.admin_url, name), name)


def pg_version() -> int:
    return int(os.environ.get("FAIRLEAD_PG", "18"))


def drop(servers: TestServers) -> None:
    with psycopg.connect(database.libpq_url(_in_database(servers.admin_url, "postgres")), autocommit=True) as admin:
        admin.execute(f'drop database if exists "{servers.database}" with (force)'.encode())


def _template(servers: Servers, version: int) -> str:
    """A migrated database with two tenants and a person per role, made once."""
    name = f"fairlead_template_{_fingerprint()}"
    with _locked("databases"):
        with psycopg.connect(database.libpq_url(servers.admin_url), autocommit=True) as admin:
            if admin.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                return name
            old = admin.execute(
                "select datname from pg_database where datname like 'fairlead\\_template\\_%'"
            ).fetchall()
        for (stale,) in old:
            drop_database(servers, stale)
        draft = f"fairlead_draft_{_fingerprint()}"
        drop_database(servers, draft)
        _fill(create_database(servers, draft), servers)
        with psycopg.connect(database.libpq_url(servers.admin_url), autocommit=True) as admin:
            admin.execute(f'alter database "{draft}" rename to "{name}"'.encode())
    return name


def _fill(own: Servers, servers: Servers) -> None:
    settings = _settings(own, "template")
    # What an earlier template's tenants were called is still in there.
    redis.Redis.from_url(settings.redis_url).flushdb()
    fill(settings)
    _keep_baseline(_in_database(servers.admin_url, make_url(own.app_url).database or ""))


def fill(settings: Settings) -> None:
    """Migrates a database and puts in the two tenants with a person per role."""
    migrating.upgrade(settings)
    app = create_app(settings)
    with app.app_context():
        for facts in DEMO_TENANTS:
            with database.as_migrator(settings) as session, no_tenant():
                tenant_id = create_tenant(session, at=now(), **facts)
            with tenant_context(tenant_id):
                seed_people(facts["slug"], PASSWORD)
                database.commit()
        database.db.engine.dispose()


def _keep_baseline(admin_url: str) -> None:
    """Copies what every test begins with, so that it can be put back by one statement."""
    with psycopg.connect(database.libpq_url(admin_url), autocommit=True) as admin:
        for table in ("outbox", "event_deliveries", "events"):
            admin.execute(f"truncate {table} cascade".encode())
        admin.execute("create schema baseline")
        for table in ("tenants", "users"):
            admin.execute(f"create table baseline.{table} as select * from public.{table}".encode())


def reset(admin: psycopg.Connection[Any]) -> None:
    """Puts the database back to the two tenants and their people; deletes only where there is something."""
    admin.execute(_reset_sql(admin).encode())


_RESET: dict[str, str] = {}


def _reset_sql(admin: psycopg.Connection[Any]) -> str:
    name = admin.info.dbname
    if name not in _RESET:
        rows = admin.execute(
            "select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where nspname = 'public' and relkind = 'r' and relname <> 'alembic_version'"
        ).fetchall()
        deletes = "".join(f"delete from public.{table};" for (table,) in rows)
        restores = "".join(
            f"insert into public.{table} select * from baseline.{table};" for table in ("tenants", "users")
        )
        _RESET[name] = f"set session_replication_role = replica; begin; {deletes} {restores} commit;"
    return _RESET[name]


def _settings(own: Servers, worker: str) -> Settings:
    return Settings(
        database_url=own.app_url,
        migrator_url=own.migrator_url,
        operator_url=own.operator_url,
        redis_url=_redis_url(own.redis_url, worker),
        secret_key="only-for-tests-0123456789abcdef0123456789",
        encryption_keys=KEYS,
        state_dir=STATE / f"files-{worker}",
        secure_cookies=False,
        testing=True,
        development=False,
        log_level="WARNING",
        pool_size=4,
        rate_limits=False,
    )


def keys_text(keys: tuple[tuple[str, bytes], ...] = KEYS) -> str:
    return ",".join(f"{kid}:{base64.b64encode(key).decode()}" for kid, key in keys)


def with_settings(settings: Settings, **changes: Any) -> Settings:
    return replace(settings, **changes)


def _redis_url(url: str, worker: str) -> str:
    number = _redis_number(worker)
    parsed = make_url(url) if not url.startswith("unix:") else None
    if parsed is None:
        return f"{url.partition('?')[0]}?db={number}"
    return f"{url.rstrip('0123456789').rstrip('/')}/{number}"


def _redis_number(worker: str) -> int:
    """Redis has sixteen databases: a worker has one, the site its browsers visit another, and a third is for a site
    that a few tests start beside that one. Two that shared theirs would take each other's jobs.
    """
    if worker == "template":
        return 15
    found = _WORKER.fullmatch(worker)
    assert found, worker
    site, what, number = found.groups()
    nth = int(number or _MOST_WORKERS - 1)
    assert nth < _MOST_WORKERS, f"Redis has databases for {_MOST_WORKERS} workers only: run pytest with a smaller -n."
    return nth * 3 + (0 if not site else 2 if what else 1)


def _in_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _drop_leftovers(servers: Servers, worker: str) -> None:
    """Databases of runs that were killed."""
    with psycopg.connect(database.libpq_url(servers.admin_url), autocommit=True) as admin:
        rows = admin.execute(
            "select datname from pg_database where datname like %s", (f"fairlead\\_{worker}%",)
        ).fetchall()
    for (name,) in rows:
        owner = name.rpartition("_")[2]
        if worker != "alone" or not (owner.isdigit() and _is_alive(int(owner))):
            drop_database(servers, name)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for place in _CHANGES_TEMPLATE:
        path = ROOT / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


@contextmanager
def _locked(name: str) -> Iterator[None]:
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
