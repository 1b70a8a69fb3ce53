"""The embedded servers: start, be found, survive kills, and hold the roles as promised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.embedded import (
    Servers,
    create_database,
    drop_database,
    ensure_servers,
    find_servers,
    stop_servers,
)
from app.embedded.postgres import PostgresServer
from app.embedded.processes import read_pid
from app.embedded.redis import RedisServer

ROOT = Path(__file__).resolve().parents[2]
PG = int(os.environ.get("FAIRLEAD_PG", "18"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("state")
    yield directory
    stop_servers(directory)


@pytest.fixture
def servers(state: Path) -> Servers:
    return ensure_servers(state, pg_version=PG, fast=True)


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def answer(url: str, sql: str) -> object:
    with connect(url) as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row[0] if row else None


def test_both_answer_and_a_second_call_finds_them(state: Path, servers: Servers) -> None:
    postmaster = PostgresServer(state, PG).data / "postmaster.pid"
    before = read_pid(postmaster)
    assert ensure_servers(state, pg_version=PG) == servers == find_servers(state)
    assert read_pid(postmaster) == before
    assert answer(servers.app_url, "SELECT current_user") == "fairlead_app"
    assert str(answer(servers.app_url, "SHOW server_version")).startswith(str(PG))
    assert answer(servers.app_url, "SHOW server_encoding") == "UTF8"
    assert answer(servers.app_url, "SELECT lower('ÄÖÜ')") == "äöü"
    assert answer(servers.app_url, "SHOW listen_addresses") == ""
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}


def test_the_app_role_is_walled_in(servers: Servers) -> None:
    with connect(servers.app_url) as app:
        sql = "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s"
        assert app.execute(sql, ["fairlead_app"]).fetchone() == (False, False, False, False)
        shown = [
            app.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
        assert shown == [("5s",), ("2s",), ("15s",)]
        for forbidden in (
            "CREATE TABLE mine (id int)",
            "SET ROLE fairlead_owner",
            "SET ROLE fairlead_search",
            "CREATE SCHEMA mine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden.encode())
        app.execute("CREATE TEMPORARY TABLE staging (id int)")


def test_the_migrator_becomes_owner_and_search(servers: Servers) -> None:
    with connect(servers.migrator_url) as migrator:
        migrator.execute("SET ROLE fairlead_owner")
        migrator.execute("CREATE TABLE things (id int); DROP TABLE things")
        migrator.execute("CREATE FUNCTION find_it() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        migrator.execute("ALTER FUNCTION find_it() OWNER TO fairlead_search")
        migrator.execute("RESET ROLE")
        migrator.execute("SET ROLE fairlead_search")
        migrator.execute("DROP FUNCTION find_it()")
    bypass = "SELECT array_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolbypassrls AND NOT rolsuper"
    assert answer(servers.admin_url, bypass) == ["fairlead_migrator", "fairlead_search"]
    with pytest.raises(psycopg.OperationalError):
        connect(servers.app_url.replace("fairlead_app", "fairlead_owner"))


def test_the_roles_file_can_run_again(servers: Servers) -> None:
    sql = (ROOT / "deploy/postgres/roles.sql").read_bytes()
    with connect(servers.admin_url.replace("/postgres?", "/fairlead?")) as admin:
        admin.execute(sql)
        admin.execute(sql)


def test_a_database_per_worker_and_a_copy_of_it(servers: Servers) -> None:
    first = create_database(servers, "worker_1")
    with connect(first.migrator_url) as migrator:
        migrator.execute("SET ROLE fairlead_owner; CREATE TABLE marker (id int)")
    copy = create_database(servers, "worker_2", template="worker_1")
    assert answer(copy.migrator_url, "SELECT to_regclass('marker')::text") == "marker"
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert answer(copy.app_url, owner) == "fairlead_owner"
    still_connected = connect(copy.app_url)
    for name in ("worker_1", "worker_2", "never_was"):
        drop_database(servers, name)
    still_connected.close()
    with pytest.raises(psycopg.OperationalError):
        connect(first.app_url)
    with pytest.raises(ValueError, match="small letters"):
        create_database(servers, 'x"; DROP DATABASE fairlead; --')


def test_after_kill_9_the_next_start_works_and_data_is_there(state: Path, servers: Servers) -> None:
    with connect(servers.migrator_url) as migrator:
        migrator.execute("SET ROLE fairlead_owner; CREATE TABLE kept AS SELECT 42 AS n")
    busy = psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True)
    redis_pid = read_pid(RedisServer(state).home / "redis.pid")
    postgres_pid = read_pid(PostgresServer(state, PG).data / "postmaster.pid")
    assert redis_pid
    assert postgres_pid
    os.kill(postgres_pid, signal.SIGKILL)
    os.kill(redis_pid, signal.SIGKILL)
    again = ensure_servers(state, pg_version=PG, fast=True)
    busy.close()
    with connect(again.migrator_url) as migrator:
        assert migrator.execute("SELECT n FROM kept").fetchone() == (42,)
    with redis.Redis.from_url(again.redis_url) as client:
        assert client.ping()


def test_a_process_number_given_to_another_process_is_no_obstacle(state: Path, servers: Servers) -> None:
    stop_servers(state)
    assert find_servers(state) is None
    # A process of the account PostgreSQL runs as, whose number stands in every stale file.
    account = {"user": "nobody"} if os.geteuid() == 0 else {}
    other = subprocess.Popen(["sleep", "60"], **account)
    try:
        postgres, cache = PostgresServer(state, PG), RedisServer(state)
        lines = (
            other.pid,
            postgres.data,
            int(time.time()),
            5432,
            postgres.home / "run",
            "",
            "  1 1",
            "ready",
        )
        stale = "".join(f"{line}\n" for line in lines)
        (postgres.data / "postmaster.pid").write_text(stale)
        (cache.home / "redis.pid").write_text(f"{other.pid}\n")
        again = ensure_servers(state, pg_version=PG, fast=True)
        assert answer(again.app_url, "SELECT 1") == 1
        assert other.poll() is None, "the innocent process was killed"
    finally:
        other.kill()
        other.wait()


def test_redis_keeps_its_data_over_a_stop_and_starts_with_a_damaged_dump(state: Path, servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as client:
        client.set("kept", "yes")
    stop_servers(state)
    servers = ensure_servers(state, pg_version=PG, fast=True)
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.get("kept") == b"yes"
    stop_servers(state)
    (state / "redis" / "dump.rdb").write_bytes(b"REDIS0009 nonsense")
    servers = ensure_servers(state, pg_version=PG, fast=True)
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.get("kept") is None
    assert (state / "redis" / "dump.rdb.damaged").exists()


def test_a_damaged_data_directory_is_said_not_overwritten(tmp_path: Path) -> None:
    data = tmp_path / f"pg{PG}" / "data"
    data.mkdir(parents=True)
    (data / "precious").write_text("rows")
    with pytest.raises(Exception, match="damaged"):
        ensure_servers(tmp_path, pg_version=PG)
    assert (data / "precious").read_text() == "rows"


def test_several_processes_at_once_start_one_server_each_in_a_long_path(tmp_path: Path) -> None:
    state_dir = tmp_path / ("long" * 25) / "state"
    program = (
        "import sys, pathlib; from app.embedded import ensure_servers;"
        f"print(ensure_servers(pathlib.Path(sys.argv[1]), pg_version={PG}, fast=True))"
    )
    command = [sys.executable, "-c", program, str(state_dir)]
    try:
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)]
        outputs = {process.communicate(timeout=60)[0] for process in started}
        assert [process.returncode for process in started] == [0, 0, 0, 0]
        assert len(outputs) == 1
        found = find_servers(state_dir)
        assert found
        assert answer(found.app_url, "SELECT 1") == 1
    finally:
        stop_servers(state_dir)
    assert find_servers(state_dir) is None
