"""Two servers side by side, and clients that ask them in turn: what is compared is measured in one run."""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.config import ROOT
from benchmarks import PASSWORD, STATE, data
from benchmarks.data import Plan

# How much of each case is measured; `--scale 0.3` is for a first look.
SCALE = 1.0
_WARM = 10
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')
_COOKIE = re.compile(rb"\r\nset-cookie: ([^;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of single requests, and requests a second where several clients asked at once."""

    times: tuple[float, ...]
    rate: float = 0.0

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20)[18]


class Client:
    """One kept connection, as thin as can be: the client's own time must not drown the server's."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()
        self.cookie = b""

    def get(self, path: str) -> bytes:
        return self.send(b"GET", path)

    def send(self, method: bytes, path: str, body: bytes = b"", accepted: Sequence[int] = (200,)) -> bytes:
        """The answer, head and body.

        Raises:
            RuntimeError: it is not one of the `accepted` statuses.
        """
        head = b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % (method, path.encode())
        if self.cookie:
            head += b"Cookie: %s\r\n" % self.cookie
        if body:
            head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(body)
        try:
            answer = self._exchange(head + b"\r\n" + body)
        except (RuntimeError, OSError):
            # On a busy machine the other server's turn may take longer than an idle connection is kept.
            self._connect()
            answer = self._exchange(head + b"\r\n" + body)
        if int(answer[9:12]) not in accepted:
            raise RuntimeError(f"{path} answered {answer[:200]!r}")
        return answer

    def sign_in(self, slug: str, role: str = "owner") -> bytes:
        """Signs in by the form; returns the token that forms of this session carry."""
        page = self.get(f"/t/{slug}/sign-in")
        self.keep_cookies(page)
        form = f"csrf_token={token_of(page)}&email={role}@{slug}.example&password={PASSWORD.replace(' ', '+')}"
        self.keep_cookies(self.send(b"POST", f"/t/{slug}/sign-in", form.encode(), (303,)))
        # The new session gets its token, and with it another cookie, with the first page that carries a form.
        page = self.get(f"/t/{slug}/leads/")
        self.keep_cookies(page)
        return token_of(page).encode()

    def keep_cookies(self, answer: bytes) -> None:
        found = _COOKIE.findall(answer.partition(b"\r\n\r\n")[0])
        self.cookie = b"; ".join(found) or self.cookie

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _exchange(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        return self._receive()

    def _receive(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        wanted = int(length[1]) if length else 0
        while len(body) < wanted:
            body += self._more()
        return head + b"\r\n\r\n" + body

    def _more(self) -> bytes:
        part = self._socket.recv(1 << 18)
        if not part:
            raise RuntimeError("the server hung up")
        return part


def token_of(page: bytes) -> str:
    found = _TOKEN.search(page)
    if found is None:
        raise RuntimeError(f"no token in {page[:300]!r}")
    return found[1].decode()


def interleave(calls: Sequence[Callable[[], object]], rounds: int) -> list[Figures]:
    """Calls each in turn, so that whatever else the machine does falls on all of them alike."""
    return prepared(lambda: None, calls, rounds)


def prepared(before: Callable[[], object], calls: Sequence[Callable[[], object]], rounds: int) -> list[Figures]:
    """The same with something to do before each call that is not counted."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(-_WARM, max(20, int(rounds * SCALE))):
        for kept, call in zip(times, calls, strict=True):
            before()
            began = time.perf_counter()
            call()
            if number >= 0:
                kept.append((time.perf_counter() - began) * 1000)
    return [Figures(tuple(kept)) for kept in times]


def together(
    makers: Sequence[Callable[[], Callable[[], object]]], clients: int = 16, seconds: float = 1.5, rounds: int = 3
) -> list[Figures]:
    """As many clients at once against each in turn, in short blocks; each maker makes one client's call."""
    crowds = [[make() for _ in range(clients)] for make in makers]
    times: list[list[float]] = [[] for _ in makers]
    spent = [0.0 for _ in makers]
    for number in range(-1, rounds):
        for position, crowd in enumerate(crowds):
            found, took = _block(crowd, seconds)
            if number >= 0:
                times[position] += found
                spent[position] += took
    return [Figures(tuple(kept), len(kept) / took) for kept, took in zip(times, spent, strict=True)]


def _block(crowd: Sequence[Callable[[], object]], seconds: float) -> tuple[list[float], float]:
    kept: list[list[float]] = [[] for _ in crowd]
    began = time.perf_counter()

    def run(call: Callable[[], object], mine: list[float]) -> None:
        while (at := time.perf_counter()) < began + seconds:
            call()
            mine.append((time.perf_counter() - at) * 1000)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(crowd, kept, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [took for mine in kept for took in mine], time.perf_counter() - began


@contextmanager
def serving(plan: Plan, app: str, port: int, *, worker: str = "gevent", workers: int = 2) -> Iterator[int]:
    """gunicorn with this application on the loopback, by the configuration of a real installation."""
    environ = os.environ | {
        "BENCH_APP": app,
        "BENCH_PLAN": plan.name,
        "FAIRLEAD_BENCH_STATE": str(STATE),
        "PORT": str(port),
        "WEB_WORKERS": str(workers),
        "LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "-k", worker, "benchmarks.server:app"]
    command += ["--threads", "8"] if worker == "gthread" else []
    data.build(plan)
    with (STATE / f"{app}-{port}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def cpu_of_workers() -> float:
    """Seconds of processor time that the workers of the running servers have had, which other load does not change."""
    found = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
    servers = {pid for pid, parent, _ in found if parent == os.getpid()}
    return sum(ticks for _, parent, ticks in found if parent in servers) / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> tuple[int, int, int]:
    """A process's id, its parent's, and the clock ticks it has had; nobody's, if it has ended just now."""
    try:
        pid, _, rest = path.read_text().partition(" (")
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0, 0
    fields = rest.rpartition(") ")[2].split()
    return int(pid), int(fields[1]), int(fields[11]) + int(fields[12])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            Client(port).send(b"GET", "/", accepted=(200, 303, 404))
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server on port {port} does not start; see its log in the state directory.")
