"""One reader a process: it follows the streams of all tenants in use and marks what each open page has to hear.

A page's `Subscription` holds no queue but a set of names: a name that is told ten times while the page is busy is
heard once, so nothing can overflow, and nobody waits for a slow reader. Works with threads, which are greenlets
below the web server.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import redis
from prometheus_client import Counter, Gauge

from app.core import queue
from app.core.live.telling import KEPT_ENTRIES, stream_key

log = logging.getLogger(__name__)

OPEN = Gauge("fairlead_live_streams", "Live streams open in this process")
TOLD = Counter("fairlead_live_names_total", "Names handed to open streams")
MOST_OF_A_SESSION = 8
BEAT_SECONDS = 15.0
_TICK_MS, _TICKS_TO_GONE = 250, 4
_MOST_ASKING = 8
_AWAY_SECONDS = 7.0
_SPREAD_MS, _WIDEST_MS = 10, 10_000
_LOOK_AGAIN_SECONDS = 30.0
_CROWD_SECONDS = 3.0
_GENERAL = frozenset({"session:*", "role", "team"})
"""What may concern anybody's rights; what concerns one person is among their `Subscription.watched`."""


class Away(Exception):
    """Redis does not answer."""


@dataclass(eq=False)
class Subscription:
    """One open page: the names it listens to, and what it has to hear next.

    `watched` are names that are a reason to look at once whether the reader is still signed in; `gone` says whether
    the browser has hung up, which writing to it would find out much later.
    """

    tenant_id: UUID
    session: str
    topics: frozenset[str]
    watched: frozenset[str] = frozenset()
    gone: Callable[[], bool] = lambda: False
    names: set[str] = field(default_factory=set)
    missed: bool = False
    over: bool = False
    position: str = ""
    spread_ms: int = 0
    look_at: float = 0.0
    beat_at: float = 0.0
    _bell: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._bell.acquire()

    def look_within(self, seconds: float) -> None:
        self.look_at = min(self.look_at, time.monotonic() + random.uniform(0, seconds))  # noqa: S311 - no secret

    def looked(self) -> None:
        self.look_at = time.monotonic() + _LOOK_AGAIN_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311

    def told(self) -> None:
        """Something was said, be it a beat: the next is due later."""
        self.beat_at = time.monotonic() + BEAT_SECONDS

    @property
    def must_look(self) -> bool:
        return time.monotonic() >= self.look_at

    @property
    def must_beat(self) -> bool:
        return time.monotonic() >= self.beat_at

    def ring(self) -> None:
        """There is something to hear or to do. Twice is once; only with the hub's lock, so that it is never both."""
        if self._bell.locked():
            self._bell.release()

    def wait(self, seconds: float = -1) -> bool:
        """Until it is rung, which the hub's reader does for looks and beats too: a timer of its own for each stream
        would cost more than all else. Or, if given, for so many seconds: then False.
        """
        return self._bell.acquire(timeout=seconds)


class Heard(NamedTuple):
    """What a page is told at once: ask again for these names, within `spread_ms`; or, if `missed`, for everything."""

    names: tuple[str, ...]
    missed: bool
    position: str
    spread_ms: int


@dataclass
class _Channel:
    """A tenant's stream as this process follows it."""

    last: str
    open: set[Subscription] = field(default_factory=set)
    by_name: dict[str, set[Subscription]] = field(default_factory=dict)

    def add(self, one: Subscription) -> None:
        self.open.add(one)
        for name in one.topics | one.watched:
            self.by_name.setdefault(name, set()).add(one)

    def remove(self, one: Subscription) -> None:
        self.open.discard(one)
        for name in one.topics | one.watched:
            self.by_name.get(name, set()).discard(one)
            if not self.by_name.get(name):
                self.by_name.pop(name, None)

    def named(self, name: str) -> list[str]:
        """The names somebody listens to among those meant: ``ticket:*`` is every ticket."""
        if not name.endswith(":*"):
            return [name] if name in self.by_name else []
        return [known for known in self.by_name if known.startswith(name[:-1])]


class Hub:
    """All open streams of this process, and the one connection that reads for them."""

    def __init__(self, url: str, stopping: Callable[[], bool] = lambda: False) -> None:
        self._url = url
        self._asking = queue.connect(url, most=_MOST_ASKING)
        self._lock = threading.Lock()
        self._channels: dict[UUID, _Channel] = {}
        self._sessions: dict[str, deque[Subscription]] = {}
        self._reader: threading.Thread | None = None
        self._run = ""
        self._wake = f"live:wake:{secrets.token_hex(8)}"
        self.stopping = stopping

    @property
    def open_streams(self) -> int:
        with self._lock:
            return sum(len(channel.open) for channel in self._channels.values())

    def join(self, one: Subscription, since: str = "", age_ms: int = 0) -> None:
        """Opens a stream, with everything told since a position (as the browser last heard it), or else in the last
        so many milliseconds: while the page was on its way.

        Raises:
            Away: Redis does not answer.
        """
        one.looked()
        one.told()
        try:
            run, first, last, from_ = self._whereabouts(one.tenant_id, since, age_ms)
            with self._lock:
                new = one.tenant_id not in self._channels
                channel = self._channels.setdefault(one.tenant_id, _Channel(last))
                channel.add(one)
                self._run = run
                self._keep_to_a_few(one)
                OPEN.inc()
                self._start_reading()
            if new:
                self._wake_reader()
            self._catch_up(one, channel, first, from_)
        except redis.RedisError as error:
            self.leave(one)
            raise Away from error

    def spread_of(self, one: Subscription) -> int:
        """Within how many milliseconds all of a tenant's streams should come back, if they were to end together."""
        with self._lock:
            channel = self._channels.get(one.tenant_id)
            return _spread(len(channel.open) if channel else 1)

    def leave(self, one: Subscription) -> None:
        """Closes a stream; twice is once."""
        with self._lock:
            channel = self._channels.get(one.tenant_id)
            if channel is None or one not in channel.open:
                return
            channel.remove(one)
            OPEN.dec()
            if not channel.open:
                del self._channels[one.tenant_id]
            mine = self._sessions.get(one.session, deque())
            if one in mine:
                mine.remove(one)
            if not mine:
                self._sessions.pop(one.session, None)

    def take(self, one: Subscription) -> Heard | None:
        """What the page has to hear now, if anything."""
        with self._lock:
            if not (one.names or one.missed):
                return None
            heard = Heard(tuple(sorted(one.names)), one.missed, f"{self._run}.{one.position}", one.spread_ms)
            one.names.clear()
            one.missed, one.spread_ms = False, 0
            return heard

    def position_of(self, one: Subscription) -> str:
        """How far the page has heard; moved on where nothing was told that concerns it."""
        with self._lock:
            channel = self._channels.get(one.tenant_id)
            if channel and not one.names and not one.missed:
                one.position = max((one.position, channel.last), key=_key)
            return f"{self._run}.{one.position}"

    def _whereabouts(self, tenant_id: UUID, since: str, age_ms: int) -> tuple[str, str, str, str]:
        """Which run of Redis this is; the first and last entries of the stream; and where the page begins, "" if that
        cannot be said. A Redis that was restarted may have forgotten what it told: that is another run.
        """
        key = stream_key(tenant_id)
        with self._asking.pipeline(transaction=False) as pipe:
            pipe.info("server")
            pipe.time()
            pipe.xrange(key, count=1)
            pipe.xrevrange(key, count=1)
            server, (seconds, micro), firsts, lasts = pipe.execute()
        if not lasts:
            # So that everything told from now on has something before it.
            anchor = self._asking.xadd(key, {"names": ""}, maxlen=KEPT_ENTRIES, approximate=True)
            firsts = lasts = [(anchor, {})]
        run = str(server["run_id"])[:8]
        asked_run, _, position = since.partition(".")
        if since:
            from_ = position if asked_run == run else ""
        else:
            from_ = f"{max(0, seconds * 1000 + micro // 1000 - age_ms)}-0"
        return run, firsts[0][0].decode(), lasts[0][0].decode(), from_

    def _catch_up(self, one: Subscription, channel: _Channel, first: str, from_: str) -> None:
        """Marks what was told since `from_`; everything, if part of that is gone."""
        entries: Any = self._asking.xrange(stream_key(one.tenant_id), f"({from_}" if from_ else "-")
        with self._lock:
            one.missed = not from_ or _key(first) > _key(from_)
            for _, fields in entries:
                for name in _names(fields):
                    for meant in channel.named(name):
                        if meant in one.topics:
                            one.names.add(meant)
                            one.spread_ms = _spread(len(channel.by_name[meant]))
            reached = entries[-1][0].decode() if entries else channel.last
            one.position = max((one.position, reached), key=_key)
            if one.missed:
                one.spread_ms = _spread(len(channel.open))
            one.ring()

    def _keep_to_a_few(self, one: Subscription) -> None:
        """The oldest stream of a session makes way: most often of a page that was left and has not noticed yet."""
        mine = self._sessions.setdefault(one.session, deque())
        mine.append(one)
        if len(mine) > MOST_OF_A_SESSION:
            oldest = mine.popleft()
            oldest.over = True
            oldest.ring()

    def _wake_reader(self) -> None:
        with self._asking.pipeline(transaction=False) as pipe:
            pipe.xadd(self._wake, {"": ""}, maxlen=1)
            pipe.expire(self._wake, 60)
            pipe.execute()

    def _start_reading(self) -> None:
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="live", daemon=True)
            self._reader.start()

    def _read(self) -> None:
        woken = "0-0"
        try:
            # Tried once: what answers after a lost connection may be another Redis, which was told other things.
            client = queue.connect(self._url, timeout=_AWAY_SECONDS, retries=0)
            due, tick = 0.0, 0
            while True:
                with self._lock:
                    if not self._channels:
                        self._reader = None
                        return
                    followed = {stream_key(tenant): (tenant, one.last) for tenant, one in self._channels.items()}
                asked: Any = {self._wake: woken} | {key: last for key, (_, last) in followed.items()}
                answer: Any = client.xread(asked, block=_TICK_MS)
                for key, entries in answer.items() if isinstance(answer, dict) else answer or ():
                    if key.decode() == self._wake:
                        woken = entries[-1][0].decode()
                    else:
                        self._deliver(followed[key.decode()][0], entries)
                if time.monotonic() >= due:
                    due, tick = time.monotonic() + _TICK_MS / 1000, tick + 1
                    self._ring_due(tick % _TICKS_TO_GONE == 0)
                if self.stopping():
                    with self._lock:
                        self._end_all()
        except redis.RedisError as error:
            log.warning("live_reader_stopped", extra={"error": type(error).__name__})
        except Exception:
            log.exception("live_reader_failed")
        with self._lock:
            self._reader = None
            self._end_all()

    def _deliver(self, tenant_id: UUID, entries: list[Any]) -> None:
        with self._lock:
            channel = self._channels.get(tenant_id)
            if channel is None:
                return
            for entry, fields in entries:
                channel.last = entry.decode()
                for name in _names(fields):
                    self._mark(channel, name)

    def _mark(self, channel: _Channel, name: str) -> None:
        """Everybody who listens has to hear it; whoever's rights it may concern has to be looked at."""
        for meant in channel.named(name):
            listeners = channel.by_name[meant]
            spread = _spread(len(listeners))
            TOLD.inc(len(listeners))
            # A thousand listeners, so nothing here is done that need not be.
            for one in listeners:
                if name in one.watched:
                    one.look_within(0)
                if meant in one.topics:
                    one.names.add(meant)
                    one.position = channel.last
                    one.spread_ms = spread
                one.ring()
        if name in _GENERAL:
            # Not all in one moment: each asks the database anew.
            for one in channel.open:
                one.look_within(_CROWD_SECONDS)

    def _end_all(self) -> None:
        """With the lock."""
        for channel in self._channels.values():
            for one in channel.open:
                one.over = True
                one.ring()

    def _ring_due(self, find_gone: bool) -> None:
        """Whoever has to beat or to look at its session. One pass over all is cheaper than a timer each."""
        at = time.monotonic()
        with self._lock:
            for channel in self._channels.values():
                for one in channel.open:
                    one.over = one.over or (find_gone and one.gone())
                    if one.over or at >= one.look_at or at >= one.beat_at:
                        one.ring()


def _names(fields: Any) -> list[str]:
    return fields.get(b"names", b"").decode().split()


def _key(position: str) -> tuple[int, int]:
    """A Redis id as numbers; ids are not ordered as text."""
    milliseconds, _, place = position.partition("-")
    return int(milliseconds or 0), int(place or 0)


def _spread(listeners: int) -> int:
    """How long the listeners' questions are spread over: one asks at once, a thousand within ten seconds."""
    return min(_WIDEST_MS, listeners * _SPREAD_MS)
