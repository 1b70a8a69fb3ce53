"""Redis emptied: what a process kept from before must not come back under a generation that starts anew."""

from __future__ import annotations

import redis
from flask import Flask

from app.core import cache


def test_a_forgotten_generation_never_comes_again(app_context: Flask, bell: redis.Redis) -> None:
    assert cache.get_or_make("t", ("kind",), "list", lambda: "old") == "old"
    bell.flushdb()
    assert cache.get_or_make("t", ("kind",), "list", lambda: "new") == "new"


def test_a_bump_after_redis_was_emptied_counts(app_context: Flask, bell: redis.Redis) -> None:
    assert cache.get_or_make("t", ("kind",), "list", lambda: 1) == 1
    cache.bump("t", "kind")
    assert cache.get_or_make("t", ("kind",), "list", lambda: 2) == 2
    bell.flushdb()
    cache.bump("t", "kind")
    assert cache.get_or_make("t", ("kind",), "list", lambda: 3) == 3
    assert cache.get_or_make("t", ("kind",), "list", lambda: 4) == 3
