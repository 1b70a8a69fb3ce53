"""A whole product of its own: PostgreSQL, Redis, web, worker and scheduler, each of which a test may kill."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests

from app.config import Settings
from app.core import db as database
from app.embedded import Servers, ensure_servers, stop_servers
from app.embedded.postgres import PostgresServer
from app.embedded.processes import read_pid
from app.embedded.redis import RedisServer
from tests.support.clients import _CSRF
from tests.support.servers import KEYS, PASSWORD, TestServers, fill, pg_version
from tests.support.site import Site, _environment, _free_port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)


@dataclass
class House:
    """The product. `kill(name)` is kill -9; `start` brings servers and processes back."""

    state: Path
    site: Site
    servers: Servers
    people: list[Visitor] = field(default_factory=list)

    def kill_server(self, name: str) -> None:
        """kill -9 of `postgres` or `redis`."""
        postgres = PostgresServer(self.state, self.servers.pg_version)
        pid = read_pid(postgres.data / "postmaster.pid" if name == "postgres" else self.state / "redis/redis.pid")
        assert pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}/stat").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text())

    def start_servers(self) -> None:
        ensure_servers(self.state, pg_version=self.servers.pg_version)

    def admin(self) -> psycopg.Connection[Any]:
        url = database.libpq_url(self.servers.admin_url.replace("/postgres?", "/fairlead?"))
        return psycopg.connect(url, autocommit=True)

    def ask(self, sql: str) -> Any:
        """The first value of a query, seen past the policies."""
        with self.admin() as connection:
            row = connection.execute(sql.encode()).fetchone()
        return row[0] if row else None

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(RedisServer(self.state).url())


class Visitor:
    """Someone with a browser's cookies and the token of the last page."""

    def __init__(self, site: Site, tenant: str = "acme") -> None:
        self.root, self.session, self.token = site.url(tenant), requests.Session(), ""

    def get(self, path: str, **more: Any) -> requests.Response:
        return self._seen(self.session.get(self.root + path, allow_redirects=False, timeout=30, **more))

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> requests.Response:
        form = {"csrf_token": self.token} | (data or {})
        url = path if path.startswith("http") else self.root + path
        return self._seen(self.session.post(url, data=form, allow_redirects=False, timeout=30, **more))

    def sign_in(self, role: str = "owner", tenant: str = "acme") -> requests.Response:
        self.get("/sign-in")
        answer = self.post("/sign-in", {"email": f"{role}@{tenant}.example", "password": PASSWORD})
        self.get("/leads/")
        return answer

    def upload(self, content: str) -> str:
        """The path of an import that is uploaded, mapped as guessed, and being checked."""
        answer = self.post("/leads/imports", files={"file": ("leads.csv", content.encode())})
        assert answer.status_code == 303, answer.text
        path = answer.headers["Location"].removeprefix("/t/acme")
        form = mapping_of(self.get(f"{path}?mapping=1").text)
        assert self.post(f"{path}/mapping", form).status_code == 303
        return path

    def _seen(self, answer: requests.Response) -> requests.Response:
        found = _CSRF.search(answer.text) if "html" in answer.headers.get("Content-Type", "") else None
        if found:
            self.token = found[1] or found[2]
        return answer


def mapping_of(page: str) -> dict[str, str]:
    from bs4 import BeautifulSoup

    form = {"duplicates": "skip"}
    for select in BeautifulSoup(page, "html.parser").select("#mapping select"):
        chosen = select.select_one("option[selected]")
        form[str(select["name"])] = str(chosen["value"]) if chosen else ""
    return form


def until(condition: Callable[[], Any], seconds: float = 20.0) -> float:
    """Waits; returns how many seconds it took."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        try:
            if condition():
                return time.monotonic() - began
        except (psycopg.Error, redis.RedisError, requests.RequestException):
            pass
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds:.0f} s")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # A short path: sockets stand in it.
    state = Path(tempfile.mkdtemp(prefix="fl-faults-"))
    servers = ensure_servers(state, pg_version=pg_version())
    settings = Settings(
        database_url=servers.app_url,
        migrator_url=servers.migrator_url,
        redis_url=servers.redis_url,
        secret_key="only-for-tests-0123456789abcdef0123456789",
        encryption_keys=KEYS,
        state_dir=state,
        secure_cookies=False,
        log_level="WARNING",
    )
    port = _free_port()
    own = TestServers(settings, servers.admin_url, "fairlead")
    environment = _environment(own, port) | {"WEB_STALL": "3", "WEB_GRACE": "10", "FAIRLEAD_STATE": str(state)}
    site = Site(f"http://127.0.0.1:{port}", own, environment, tmp_path_factory.mktemp("logs"))
    house = House(state, site, servers)
    try:
        fill(settings)
        site.start()
        site.wait_until_up()
        yield house
    finally:
        site.stop()
        stop_servers(state)
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(autouse=True)
def whole(house: House) -> None:
    """Everything runs when a test begins, whatever the one before has killed."""
    house.start_servers()
    gone = [name for name in ("web", "worker", "scheduler") if name not in house.site.processes]
    gone += [name for name, process in house.site.processes.items() if process.poll() is not None]
    house.site.start(*gone) if gone else None
    house.site.wait_until_up()


@pytest.fixture
def visitor(house: House) -> Visitor:
    made = Visitor(house.site)
    assert made.sign_in().status_code == 303
    return made
