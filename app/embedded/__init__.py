"""Embedded PostgreSQL and Redis: real servers, carried by packages, for workstations and tests.

Both listen on Unix sockets only and keep everything in a state directory (`var/`). They outlive the process
that started them, until `stop_servers`. Any number of processes may call at once, and whatever a crash left
behind is cleared away by the next start.

Imports nothing of the application and, until a server has to be set up, nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from app.embedded.postgres import SUPERUSER, PostgresServer
from app.embedded.processes import EmbeddedServerError, only_one
from app.embedded.redis import RedisServer

__all__ = [
    "EmbeddedServerError",
    "Servers",
    "create_database",
    "drop_database",
    "ensure_servers",
    "find_servers",
    "stop_servers",
]

DATABASE = "fairlead"
PG_VERSIONS = (18, 16)
ROLES_SQL = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "roles.sql"


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of the running servers. The database ones are for SQLAlchemy (postgresql+psycopg)."""

    state_dir: Path
    pg_version: int
    admin_url: str
    migrator_url: str
    app_url: str
    operator_url: str
    redis_url: str


def ensure_servers(state_dir: Path, *, pg_version: int = 18, fast: bool = False) -> Servers:
    """Find the servers of a state directory, or start them, with the roles and the database `fairlead`.

    Args:
        state_dir: where their data lies; made if missing.
        pg_version: 18 or 16.
        fast: do not wait for the disk. Data may be lost at a power cut: for tests.

    Raises:
        EmbeddedServerError: a server is not installed or does not start.
    """
    state_dir = state_dir.resolve()
    postgres, redis = PostgresServer(state_dir, pg_version), RedisServer(state_dir)
    if not _is_complete(postgres, redis):
        with only_one(state_dir / "servers.lock"):
            if not postgres.is_running():
                postgres.start(fast=fast)
            if not redis.is_running():
                redis.start()
            if not _is_set_up(postgres):
                _set_up(postgres)
    return _servers(state_dir, postgres, redis, DATABASE)


def find_servers(state_dir: Path, *, pg_version: int | None = None) -> Servers | None:
    """The running servers of a state directory, if both run. Starts nothing."""
    state_dir = state_dir.resolve()
    redis = RedisServer(state_dir)
    for version in PG_VERSIONS if pg_version is None else (pg_version,):
        postgres = PostgresServer(state_dir, version)
        if _is_complete(postgres, redis):
            return _servers(state_dir, postgres, redis, DATABASE)
    return None


def stop_servers(state_dir: Path) -> None:
    """Stop the servers of a state directory, of any version. Data stays. Takes 20 s at the very most."""
    state_dir = state_dir.resolve()
    if not state_dir.exists():
        return
    with only_one(state_dir / "servers.lock"):
        for version in PG_VERSIONS:
            PostgresServer(state_dir, version).stop()
        RedisServer(state_dir).stop()


def create_database(servers: Servers, name: str, *, template: str | None = None) -> Servers:
    """Make another database beside `fairlead`, with the same rights, and return its addresses.

    Args:
        template: a database to copy, which nobody may be connected to meanwhile.
    """
    _check_name(name)
    source = _check_name(template) if template else "template0"
    with only_one(servers.state_dir / "servers.lock"):
        _execute(servers.admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{source}" ENCODING \'UTF8\'')
        postgres = PostgresServer(servers.state_dir, servers.pg_version)
        _execute(postgres.url(SUPERUSER, name), ROLES_SQL.read_text())
    return _servers(servers.state_dir, postgres, RedisServer(servers.state_dir), name)


def drop_database(servers: Servers, name: str) -> None:
    """Drop a database if it is there, ending the connections to it."""
    _execute(servers.admin_url, f'DROP DATABASE IF EXISTS "{_check_name(name)}" WITH (FORCE)')


def _is_complete(postgres: PostgresServer, redis: RedisServer) -> bool:
    return postgres.is_running() and redis.is_running() and _is_set_up(postgres)


def _servers(state_dir: Path, postgres: PostgresServer, redis: RedisServer, database: str) -> Servers:
    return Servers(
        state_dir=state_dir,
        pg_version=postgres.version,
        # Not `database`: an administrator must be able to drop it.
        admin_url=postgres.url(SUPERUSER, "postgres"),
        migrator_url=postgres.url("fairlead_migrator", database),
        app_url=postgres.url("fairlead_app", database),
        operator_url=postgres.url("fairlead_operator", database),
        redis_url=redis.url(),
    )


def _is_set_up(postgres: PostgresServer) -> bool:
    """Whether the roles and the database were made by this very version of roles.sql."""
    try:
        return (postgres.home / "roles.done").read_text() == _roles_version()
    except OSError:
        return False


def _set_up(postgres: PostgresServer) -> None:
    admin_url = postgres.url(SUPERUSER, "postgres")
    if not _execute(admin_url, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
        _execute(admin_url, f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    _execute(postgres.url(SUPERUSER, DATABASE), ROLES_SQL.read_text())
    (postgres.home / "roles.done").write_text(_roles_version())


def _roles_version() -> str:
    return hashlib.sha256(ROLES_SQL.read_bytes()).hexdigest()


def _execute(url: str, sql: str) -> bool:
    """Run SQL as the superuser; says whether the last statement answered with a row."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.description is not None and cursor.fetchone() is not None


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"A database name has small letters, digits and _ only: {name!r}")
    return name
