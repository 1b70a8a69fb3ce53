"""Two cache levels: an in-process LRU in front of Flask-Caching on Redis.

A key carries the generations of what it was made from, ``<tenant>:<kind>=<generation>…:<rest>``. A write bumps
the generation after its commit, so no process can serve the old value and nothing is deleted by pattern.
A tenant's generations are one Redis hash: a request reads all it needs in one round trip.
Redis away: every call makes its value anew; pages are slower, never wrong, never down. Values are JSON.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import redis
from cachelib.serializers import RedisSerializer
from cachetools import TTLCache
from flask import Flask, current_app, has_request_context, request
from flask_caching.backends.rediscache import RedisCache
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.extensions import cache as second_level

log = logging.getLogger(__name__)

Value = TypeVar("Value")
READS = Counter("fairlead_cache_reads_total", "Cache reads by level that answered", ["level"])
_COUNTED = {level: READS.labels(level) for level in ("first", "second", "miss", "away")}
_BREAKER_SECONDS = 3.0
_L1_BYTES = 48 * 1024 * 1024
_L1_SECONDS = 300
_PLACE_BYTES = 600
_BEGUN = b":begun"
_MEMO = "fairlead.generations"
_MEMO_SECONDS = 1.0
_OPTIONS: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.25}


GLOBAL = "all"
"""In place of a tenant: what all of them share."""
_shared: set[str] = set()


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
        self.first: TTLCache[str, Any] = TTLCache(_L1_BYTES, _L1_SECONDS, getsizeof=_size)
        self.lock = threading.Lock()
        self.closed_until = 0.0
        self.owed: set[tuple[str, str]] = set()


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

    `kinds` names everything the value was made from: a write to any of them makes it unreachable. `rest` may
    come from an address, of any length: the key has always the same. None is kept by this process only, so
    that asking for what is not there fills no memory but its own, which is bounded.
    """
    state = _state()
    generations = _generations(state, tenant_id, kinds)
    if generations is None:
        _COUNTED["away"].inc()
        return make()
    parts = ",".join(f"{kind}={generation}" for kind, generation in zip(kinds, generations, strict=True))
    key = f"{tenant_id}:{parts}:{hashlib.sha256(rest.encode('utf-8', 'surrogatepass')).hexdigest()}"
    with state.lock:
        if key in state.first:
            _COUNTED["first"].inc()
            return state.first[key]
    found = _attempt(state, lambda: second_level.get(key))
    _COUNTED["second" if found is not None else "miss"].inc()
    value = make() if found is None else found
    if found is None and value is not None:
        _attempt(state, lambda: second_level.set(key, value, timeout=ttl))
    with state.lock:
        if _size(value) < _L1_BYTES:
            state.first[key] = value
    return value


def foresee(*tenants: UUID | str) -> None:
    """Reads the generations of several tenants in one round trip, for a request that will need them all."""
    state, memo = _state(), _memo()

    def read() -> None:
        with state.redis.pipeline(transaction=False) as pipe:
            for tenant in tenants:
                pipe.hgetall(_generation_key(str(tenant)))
            for tenant, found in zip(tenants, pipe.execute(), strict=True):
                if _BEGUN in found:
                    memo[str(tenant)] = (time.monotonic(), found)

    if not state.owed:
        _attempt(state, read)


def share_kind(kind: str) -> None:
    """What is cached of this kind is kept for all tenants together, so it is turned over for all of them.

    Said once, beside the queries: then every event of the kind turns it over, by `publish` and, should the writer
    die in between, by the dispatcher.
    """
    _shared.add(kind)


def bump(tenant_id: UUID | str, kind: str) -> None:
    """Makes everything cached of `kind` unreachable. If Redis is away, it is owed and paid before the next read."""
    state = _state()
    state.owed.add((GLOBAL if kind in _shared else str(tenant_id), kind))
    _memo().clear()
    _attempt(state, lambda: _pay(state))


def attempt(call: Callable[[redis.Redis], Value]) -> Value | None:
    """What the call makes of Redis, for what may be lost; None when it is away, and then for a few seconds more."""
    state = _state()
    return _attempt(state, lambda: call(state.redis))


def forget_everything() -> None:
    """Empties the first level of this process; for tests and the `flask` command."""
    state = _state()
    with state.lock:
        state.first.clear()


def _state() -> _State:
    return current_app.extensions["fairlead.cache"]


def _generation_key(tenant: str) -> str:
    return f"gen:{tenant}"


def _size(value: Any) -> int:
    """About how many bytes a value keeps, with its key and its place; text is nearly all of it."""
    return _PLACE_BYTES + _content(value)


def _content(value: Any) -> int:
    match value:
        case str():
            return sys.getsizeof(value)
        case dict():
            return 64 + sum(_content(item) + 64 for item in value.values())
        case list() | tuple():
            return 64 + sum(_content(item) for item in value)
        case _:
            return 64


def _generations(state: _State, tenant_id: UUID | str, kinds: Sequence[str]) -> list[str] | None:
    """Read once a request; a stream, whose request lasts, reads them again after a second."""
    memo, tenant = _memo(), str(tenant_id)
    read_at, known = memo.get(tenant, (0.0, None))
    if known is None or time.monotonic() - read_at > _MEMO_SECONDS:
        known = _attempt(state, lambda: _read_generations(state, tenant))
        if known is None:
            return None
        memo[tenant] = (time.monotonic(), known)
    begun = known[_BEGUN].decode()
    return [f"{begun}.{known.get(kind.encode(), b'0').decode()}" for kind in kinds]


def _read_generations(state: _State, tenant: str) -> dict[bytes, bytes]:
    _pay(state)
    found: dict[bytes, bytes] = state.redis.hgetall(_generation_key(tenant))  # type: ignore[assignment]
    if _BEGUN not in found:
        _begin(state.redis, tenant)
        found = state.redis.hgetall(_generation_key(tenant))  # type: ignore[assignment]
    return found


def _memo() -> dict[str, tuple[float, dict[bytes, bytes] | None]]:
    """The generations this request has read, by tenant; outside a request nothing is remembered."""
    return request.environ.setdefault(_MEMO, {}) if has_request_context() else {}


def _begin(client: redis.Redis, tenant: str) -> None:
    """Generations carry the microsecond they began at: those that Redis has forgotten never come again."""
    client.hsetnx(_generation_key(tenant), _BEGUN.decode(), str(time.time_ns() // 1000))


def _pay(state: _State) -> None:
    for tenant, kind in tuple(state.owed):
        with state.redis.pipeline(transaction=False) as pipe:
            _begin(pipe, tenant)
            pipe.hincrby(_generation_key(tenant), kind, 1)
            pipe.execute()
        state.owed.discard((tenant, kind))


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
