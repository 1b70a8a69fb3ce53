"""Jobs that ring at an instant: never before it, once for a key, and from the scheduler's hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis
from flask import Flask
from rq import Queue
from rq.serializers import JSONSerializer

from app.core import queue

AT = datetime(2026, 11, 20, 17, 0, 0, 250_000, tzinfo=UTC)
JOB = "jobs.events.sweep"


def waiting(bell: redis.Redis) -> int:
    return len(Queue("default", connection=bell, serializer=JSONSerializer))


def test_it_rings_after_its_instant_and_once(app: Flask, bell: redis.Redis, run_jobs: Callable[[], int]) -> None:
    with app.app_context():
        for _ in range(3):
            assert queue.ring_at(JOB, AT, key="once")
        assert queue.ring_at(JOB, AT + timedelta(minutes=5), key="later")
    assert queue.ring_what_is_due(bell, AT) == 0, "rung before its time"
    assert queue.ring_what_is_due(bell, AT + timedelta(seconds=1)) == 1
    assert waiting(bell) == 1
    assert queue.ring_what_is_due(bell, AT + timedelta(seconds=2)) == 0
    assert run_jobs() == 1
    assert queue.ring_what_is_due(bell, AT + timedelta(minutes=6)) == 1


def test_a_job_that_is_gone_does_not_keep_the_others_waiting(app: Flask, bell: redis.Redis) -> None:
    with app.app_context():
        queue.ring_at(JOB, AT, key="gone")
        queue.ring_at(JOB, AT, key="there")
    bell.delete("rq:job:gone")
    assert queue.ring_what_is_due(bell, AT + timedelta(seconds=1)) == 1
    assert bell.zcard("rq:scheduled:default") == 0
