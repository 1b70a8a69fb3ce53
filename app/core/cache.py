"""Two cache levels: an in-process LRU in front of Flask-Caching on Redis.

A key carries the generations of what it was made from, ``<tenant>:<kind>=<generation>…:<rest>``. A write bumps
the generation after its commit, so no process can serve the old value and nothing is deleted by pattern.
Redis away: every call makes its value anew; pages are slower, never wrong, never down. Values are JSON.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import redis
from cachelib.serializers import RedisSerializer
from cachetools import TTLCache
from flask import Flask, current_app
from flask_caching.backends.rediscache import RedisCache
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.extensions import cache as second_level

log = logging.getLogger(__name__)

Value = TypeVar("Value")
READS = Counter("fairlead_cache_reads_total", "Cache reads by level that answered", ["level"])
_BREAKER_SECONDS = 3.0
_L1_ENTRIES = 4096
_L1_SECONDS = 300
_OPTIONS: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.25}


class JsonRedisCache(RedisCache):
    """Flask-Caching's Redis backend with JSON in place of pickle: what is in Redis can never become code."""

    class _Json(RedisSerializer):
        def dumps(self, value: Any, protocol: int = 0) -> bytes:
            return json.dumps(value).encode()

        def loads(self, bvalue: bytes | None) -> Any:
            return None if bvalue is None else json.loads(bvalue)

    serializer = _Json()


class _State:
    """What one process remembers: its first level, whether Redis answered lately, and bumps it still owes."""

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url, **_OPTIONS, retry=Retry(NoBackoff(), 1))
        self.first: TTLCache[str, Any] = TTLCache(_L1_ENTRIES, _L1_SECONDS)
        self.lock = threading.Lock()
        self.closed_until = 0.0
        self.owed: set[str] = set()


def init_app(app: Flask, url: str) -> None:
    second_level.init_app(
        app,
        config={
            "CACHE_TYPE": "app.core.cache.JsonRedisCache",
            "CACHE_REDIS_URL": url,
            "CACHE_KEY_PREFIX": "fl:",
            "CACHE_OPTIONS": {**_OPTIONS, "retry": Retry(NoBackoff(), 1)},
        },
    )
    app.extensions["fairlead.cache"] = _State(url)


def get_or_make(
    tenant_id: UUID | str, kinds: Sequence[str], rest: str, make: Callable[[], Value], *, ttl: int = 300
) -> Value:
    """The value under this key, made and kept for `ttl` seconds if it is not there.

    `kinds` names everything the value was made from: a write to any of them makes it unreachable.
    """
    state = _state()
    generations = _generations(state, tenant_id, kinds)
    if generations is None:
        READS.labels("away").inc()
        return make()
    parts = ",".join(f"{kind}={generation}" for kind, generation in zip(kinds, generations, strict=True))
    key = f"{tenant_id}:{parts}:{rest}"
    with state.lock:
        if key in state.first:
            READS.labels("first").inc()
            return state.first[key]
    found = _attempt(state, lambda: second_level.get(key))
    READS.labels("second" if found is not None else "miss").inc()
    value = make() if found is None else found
    if found is None:
        _attempt(state, lambda: second_level.set(key, value, timeout=ttl))
    with state.lock:
        state.first[key] = value
    return value


def bump(tenant_id: UUID | str, kind: str) -> None:
    """Makes everything cached of `kind` unreachable. If Redis is away, it is owed and paid before the next read."""
    state = _state()
    state.owed.add(_generation_key(tenant_id, kind))
    _attempt(state, lambda: _pay(state))


def forget_everything() -> None:
    """Empties the first level of this process; for tests and the `flask` command."""
    state = _state()
    with state.lock:
        state.first.clear()


def _state() -> _State:
    return current_app.extensions["fairlead.cache"]


def _generation_key(tenant_id: UUID | str, kind: str) -> str:
    return f"gen:{tenant_id}:{kind}"


def _generations(state: _State, tenant_id: UUID | str, kinds: Sequence[str]) -> list[int] | None:
    keys = [_generation_key(tenant_id, kind) for kind in kinds]

    def read() -> list[int]:
        _pay(state)
        found = state.redis.mget(keys)
        if None in found:
            _begin(state, [key for key, value in zip(keys, found, strict=True) if value is None])
            found = state.redis.mget(keys)
        return [int(value or 0) for value in found]

    return _attempt(state, read)


def _begin(state: _State, keys: Sequence[str]) -> None:
    """Generations start at the present microsecond: one that Redis has forgotten never comes again."""
    with state.redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.set(key, time.time_ns() // 1000, nx=True)
        pipe.execute()


def _pay(state: _State) -> None:
    for key in tuple(state.owed):
        _begin(state, [key])
        state.redis.incr(key)
        state.owed.discard(key)


def _attempt(state: _State, call: Callable[[], Value]) -> Value | None:
    """The call's answer, or None when Redis is away; then nobody asks it again for a few seconds."""
    if time.monotonic() < state.closed_until:
        return None
    try:
        return call()
    except redis.RedisError as error:
        state.closed_until = time.monotonic() + _BREAKER_SECONDS
        log.warning("cache_away", extra={"error": type(error).__name__})
        return None
