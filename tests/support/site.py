"""The whole product as processes: web, worker and scheduler on a database of their own, for browsers to visit."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from app import create_app
from app.accounts import queries
from app.config import ROOT
from app.core import db as database
from app.core.records import actions
from app.core.records.kind import kind_named
from app.core.scope import tenant_context
from app.leads import sample
from tests.support import mailbox, servers
from tests.support.servers import TestServers
from tests.support.waiting import PATIENCE

_BIN = ROOT / ".venv" / "bin"
_COMMANDS = {
    "web": [str(_BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", "wsgi:app"],
    "worker": [str(_BIN / "flask"), "worker"],
    "scheduler": [str(_BIN / "flask"), "scheduler"],
}


@dataclass
class Site:
    """A running product. `url("acme")` is a tenant's address."""

    address: str
    servers: TestServers
    environ: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, tenant: str = "acme") -> str:
        return f"{self.address}/t/{tenant}"

    def start(self, *names: str) -> None:
        for name in names or tuple(_COMMANDS):
            log = (self.logs / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                _COMMANDS[name], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """As a power cut would: the process and its children, at once."""
        process = self.processes.pop(name)
        # A worker's child is in a group of its own.
        for one in (*psutil.Process(process.pid).children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(10)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait(5)

    def move_time(self, minutes: float) -> None:
        """Lets so many minutes pass for the whole product, at once; until `reset`."""
        file = self.servers.settings.state_dir / "clock"
        before = float(file.read_text()) if file.exists() else 0.0
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(".new")
        aside.write_text(str(before + minutes * 60))
        aside.replace(file)

    def reset(self) -> None:
        """Back to the two tenants and their people, and to the present."""
        (self.servers.settings.state_dir / "clock").unlink(missing_ok=True)
        with psycopg.connect(database.libpq_url(self.servers.admin_url), autocommit=True) as admin:
            servers.reset(admin)
        redis.Redis.from_url(self.servers.settings.redis_url).flushdb()
        mailbox.clear(self.servers.settings.mail_dir)

    def mail(self, to: str, subject: str = "", seconds: float = PATIENCE) -> EmailMessage:
        """Waits for the newest mail to this address with `subject` in its subject. Raises AssertionError."""
        return mailbox.wait(self.servers.settings.mail_dir, to, subject, seconds)

    def wait_until_up(self) -> None:
        """Until the health page answers.

        Raises:
            AssertionError: it has not in `PATIENCE`; carries the web server's log.
        """
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.processes["web"].poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.address}/api/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)  # between two looks at a server that is starting
        raise AssertionError(f"the site did not start:\n{(self.logs / 'web.log').read_text()[-4000:]}")


@contextmanager
def running_site(worker: str, logs: Path, **environ: str) -> Iterator[Site]:
    """Starts web, worker and scheduler; stops them at the end."""
    own = servers.provide(f"site{worker}")
    port = _free_port()
    site = Site(f"http://127.0.0.1:{port}", own, _environment(own, port) | environ, logs)
    site.reset()
    site.start()
    try:
        site.wait_until_up()
        yield site
    finally:
        site.stop()
        servers.drop(own)


def _environment(own: TestServers, port: int) -> dict[str, str]:
    settings = own.settings
    kept: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")}
    return kept | {
        "DATABASE_URL": settings.database_url,
        "MIGRATOR_URL": settings.migrator_url,
        "OPERATOR_URL": settings.operator_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": servers.keys_text(settings.encryption_keys),
        "FAIRLEAD_STATE": str(settings.state_dir),
        "INSECURE_COOKIES": "1",
        "RATE_LIMITS": "0",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SMTP_URL": f"maildir:{settings.mail_dir}",
        "FAIRLEAD_CLOCK_FILE": str(settings.state_dir / "clock"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_WORKERS": "1",
        "WEB_GRACE": "2",
        "FLASK_APP": "wsgi:app",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fill_sample(site: Site, tenant: str = "acme") -> None:
    """Puts sample leads into a tenant of the running product, as `flask seed` does."""
    app = create_app(site.servers.settings)
    with app.app_context():
        found = queries.find_tenant(tenant)
        assert found is not None
        with tenant_context(found.id):
            sample.create(queries.system_scope(found.id))
            database.commit()
        database.db.engine.dispose()


def in_tenant(site: Site, tenant: str = "acme", *, leads: Sequence[str] = (), tickets: Sequence[str] = ()) -> None:
    """Puts leads of these last names and tickets of these subjects into a tenant, the first ones oldest."""
    app = create_app(site.servers.settings)
    with app.app_context():
        found = queries.find_tenant(tenant)
        assert found is not None
        with tenant_context(found.id):
            scope = queries.system_scope(found.id)
            for name in leads:
                actions.create_record(scope, kind_named("lead"), {"last_name": name})
            for subject in tickets:
                actions.create_record(scope, kind_named("ticket"), {"subject": subject})
            database.commit()
        database.db.engine.dispose()
