"""From a commit to other browsers, and what open streams cost other pages: `python -m benchmarks.live`.

A thousand streams are open on one machine, gunicorn as installed with two workers. The time is taken just before the
commit of a change in another process, and where the bytes arrive at each stream's socket. Once everybody listens to
the same list, which nobody should be slower for than the target; and once twenty people are at the record that is
changed and everybody else at others. Then the list and a record are asked for with and without the streams.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app import create_app
from app.accounts import queries
from app.core import db as database
from app.core.live.hub import MOST_OF_A_SESSION
from app.core.records import actions
from app.core.records.models import Record
from app.core.records.queries import get_record
from app.core.scope import tenant_context
from app.leads.definition import LEADS
from benchmarks import data, measuring
from benchmarks.measuring import Client, Figures

TENANT = "t01"
_CHANGES = 40
_BETWEEN_SECONDS = 0.5
_IDLE_SECONDS = 40
_TOKEN = re.compile(rb'id="(?:records|record_summary)" data-live="([^"]+)"')
_LEAD = re.compile(rb'data-row-link href="([^"]+)"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    with measuring.serving(data.LIVE, "real", 8760) as port:
        writer = _Writer()
        columns = "p50 ms | p95 ms | slowest | heard | CPU µs each"
        print(f"| change to other browsers | {columns} |\n|---|---|---|---|---|---|", flush=True)
        _told(port, writer, asked.streams)
        columns = "without p50 · p95 | with p50 · p95 | ratio p50 · p95 | CPU ms without · with"
        print(f"\n| page | {columns} |\n|---|---|---|---|---|", flush=True)
        _pages(port, asked.streams, asked.rounds)


class _Writer:
    """Changes a lead in a process of its own right, as a request or job does."""

    def __init__(self) -> None:
        self._app = create_app(data.settings_of(data.LIVE))
        with self._app.app_context():
            found = queries.find_tenant(TENANT)
            assert found is not None
            self._tenant: UUID = found.id

    def change(self, lead: UUID) -> float:
        """The instant just before the commit."""
        with self._app.app_context(), tenant_context(self._tenant):
            scope = queries.system_scope(self._tenant)
            record: Record = get_record(scope, LEADS, lead)
            actions.update_record(scope, LEADS, lead, record.version, {"company": f"Company {time.monotonic_ns()}"})
            began = time.monotonic()
            database.commit()
        return began


def _told(port: int, writer: _Writer, count: int) -> None:
    browsers = _Browsers(port, count)
    lead = browsers.leads[0]
    with _open(port, [(browser, browsers.list_token) for browser in browsers.places]) as crowd:
        _print_told(f"{count:,} streams, all at the list", crowd, writer, lead)
    signed = [browsers.token_of(lead) for lead in browsers.leads[:16]]
    tokens = [signed[0 if place < 20 else 1 + place % 15] for place in range(count)]
    with _open(port, list(zip(browsers.places, tokens, strict=True))) as crowd:
        _print_told(f"{count:,} streams, 20 at the record", crowd, writer, lead)
    _print_idle(port, count, browsers)


def _slowly() -> Iterator[int]:
    for number in range(_CHANGES):
        time.sleep(_BETWEEN_SECONDS)
        yield number


def _print_told(what: str, crowd: Connection, writer: _Writer, lead: UUID) -> None:
    spent = measuring.cpu_of_workers()
    began = [writer.change(lead) for _ in _slowly()]
    time.sleep(2)
    spent = measuring.cpu_of_workers() - spent
    crowd.send("heard")
    arrivals: list[float] = crowd.recv()
    times = []
    for at in arrivals:
        before = [start for start in began if start <= at]
        if before:
            times.append((at - before[-1]) * 1000)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    each = spent / max(1, len(times)) * 1e6
    print(f"| {what} | {p50:.1f} | {p95:.1f} | {max(times):.1f} | {len(times):,} | {each:.0f} |", flush=True)


def _print_idle(port: int, count: int, browsers: _Browsers) -> None:
    """What streams cost that hear nothing: beats, and looks at whether their sessions hold."""
    with _open(port, [(browser, browsers.list_token) for browser in browsers.places]):
        spent = measuring.cpu_of_workers()
        time.sleep(_IDLE_SECONDS)
        each = (measuring.cpu_of_workers() - spent) / _IDLE_SECONDS
    print(f"\n{count:,} streams that hear nothing: {each:.1%} of one processor.", flush=True)


def _pages(port: int, count: int, rounds: int) -> None:
    """In blocks, with and without in turn: streams cannot come and go between two requests."""
    browsers = _Browsers(port, count)
    pages = {"list, cached": f"/t/{TENANT}/leads/", "record": f"/t/{TENANT}/leads/{browsers.leads[0]}"}
    times: dict[tuple[str, bool], list[float]] = {}
    spent: dict[tuple[str, bool], float] = {}
    for _ in range(rounds):
        for with_streams in (False, True):
            places = [(browser, browsers.list_token) for browser in browsers.places] if with_streams else []
            with _open(port, places):
                client = browsers.client()
                for name, path in pages.items():
                    before = measuring.cpu_of_workers()
                    (found,) = measuring.interleave([partial(client.get, path)], 150)
                    spent[name, with_streams] = (
                        spent.get((name, with_streams), 0.0) + measuring.cpu_of_workers() - before
                    )
                    times.setdefault((name, with_streams), []).extend(found.times)
    for name in pages:
        without, with_ = Figures(tuple(times[name, False])), Figures(tuple(times[name, True]))
        print(
            f"| {name} | {without.p50:.1f} · {without.p95:.1f} | {with_.p50:.1f} · {with_.p95:.1f} "
            f"| {with_.p50 / without.p50:.2f} · {with_.p95 / without.p95:.2f} "
            f"| {_each(spent[name, False], without)} · {_each(spent[name, True], with_)} |",
            flush=True,
        )


def _each(spent: float, figures: Figures) -> str:
    """Processor time of the workers a page, whatever else the machine does."""
    return f"{spent / len(figures.times) * 1000:.2f}"


class _Browsers:
    """As many sessions as so many streams take, and what their pages may listen to."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self.sessions = [self._session() for _ in range(-(-count // MOST_OF_A_SESSION))]
        self.places = [self.sessions[place // MOST_OF_A_SESSION] for place in range(count)]
        page = self.client().get(f"/t/{TENANT}/leads/")
        self.list_token = _token(page)
        self.leads = [UUID(path.decode()[-36:]) for path in _LEAD.findall(page)]

    def client(self) -> Client:
        """A new connection of the first session: the server closes those that are quiet for a while."""
        made = Client(self._port)
        made.cookie = self.sessions[0]
        return made

    def token_of(self, lead: UUID) -> bytes:
        return _token(self.client().get(f"/t/{TENANT}/leads/{lead}"))

    def _session(self) -> bytes:
        client = Client(self._port)
        client.sign_in(TENANT)
        return client.cookie


def _token(page: bytes) -> bytes:
    found = _TOKEN.search(page)
    assert found is not None, page[:500]
    return found[1]


@contextmanager
def _open(port: int, places: Sequence[tuple[bytes, bytes]]) -> Iterator[Connection]:
    """Streams read by a process of its own, which keeps when each change arrived."""
    ours, theirs = multiprocessing.Pipe()
    reader = multiprocessing.get_context("spawn").Process(target=_read, args=(port, places, theirs), daemon=True)
    reader.start()
    assert ours.recv() == "open"
    try:
        yield ours
    finally:
        ours.send("end")
        reader.join(20)
        # The server notices at its next word to each of them.
        time.sleep(1)


def _read(port: int, places: Sequence[tuple[bytes, bytes]], told: Any) -> None:
    selector = selectors.DefaultSelector()
    waiting: set[socket.socket] = set()
    for cookie, token in places:
        one = socket.create_connection(("127.0.0.1", port), timeout=60)
        path = f"/t/{TENANT}/live?" + urlencode({"on": token.decode()})
        one.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\n\r\n" % (path.encode(), cookie))
        selector.register(one, selectors.EVENT_READ)
        waiting.add(one)
    arrivals: list[float] = []
    if not waiting:
        told.send("open")
    while True:
        for key, _ in selector.select(0.2):
            one = key.fileobj  # type: ignore[assignment]
            part = one.recv(65536)
            at = time.monotonic()
            if not part:
                selector.unregister(one)
            if b"event: ready" in part and one in waiting:
                waiting.discard(one)
                if not waiting:
                    told.send("open")
            arrivals += [at] * part.count(b"event: changed")
        if told.poll():
            if told.recv() == "end":
                return
            told.send(arrivals)


if __name__ == "__main__":
    main()
