"""RQ is the doorbell, PostgreSQL the queue of record.

Jobs carry ids as JSON, never rows, and are safe to run twice: whatever must happen stands in a table first,
so a lost job is only late (a sweep rings again). That is why a failing Redis is logged here and not raised.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import redis
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

QUEUES = ("default", "sweeps", "imports")
"""A worker takes from the first that holds something: what takes minutes (imports, training) comes last."""
_NUDGE_SECONDS = 10


def init_app(app: Flask, url: str) -> None:
    app.extensions["fairlead.queue"] = connect(url)


def connection() -> redis.Redis:
    """The Redis the queues live in; calls give up after two seconds."""
    return current_app.extensions["fairlead.queue"]


def connect(url: str, *, timeout: float | None = 2, retries: int = 1, most: int | None = None) -> redis.Redis:
    """One retry unless told, for a connection that a restart of Redis closed; the client's own default is ten. With
    `most`, whoever asks while so many connections are busy waits for one.
    """
    options = {"socket_timeout": timeout, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), retries)}
    if most is None:
        return redis.Redis.from_url(url, **options)
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=most, timeout=timeout, **options)
    return redis.Redis(connection_pool=pool)


def queue_named(name: str) -> Queue:
    return Queue(name, connection=connection(), serializer=JSONSerializer)


def enqueue(job: str, *, queue: str = "default", timeout: int = 300, **ids: Any) -> bool:
    """Rings for `job` (a dotted name under `jobs`). False when Redis is away: a sweep will ring later."""
    try:
        queue_named(queue).enqueue_call(
            func=job,
            kwargs={name: str(value) for name, value in ids.items()},
            timeout=timeout,
            result_ttl=0,
            failure_ttl=7 * 24 * 3600,
        )
    except redis.RedisError as error:
        log.warning("enqueue_failed", extra={"job": job, "error": type(error).__name__})
        return False
    return True


def ring_at(job: str, at: datetime, *, key: str, queue: str = "default", timeout: int = 300, **ids: Any) -> bool:
    """Rings for `job` just after `at`, once for all calls with the same `key` (letters, digits, `-`, `_`).

    The scheduler rings within a second or so. False when Redis is away, and what Redis forgets never rings: a sweep
    must find what was missed.
    """
    try:
        jobs = queue_named(queue)
        made = Job.create(
            job,
            kwargs={name: str(value) for name, value in ids.items()},
            connection=connection(),
            serializer=JSONSerializer,
            id=key,
            origin=jobs.name,
            timeout=timeout,
            result_ttl=0,
            failure_ttl=7 * 24 * 3600,
            status=JobStatus.SCHEDULED,
        )
        # Whole seconds: the next one, so never before its time.
        jobs.schedule_job(made, at.replace(microsecond=0) + timedelta(seconds=1))
    except redis.RedisError as error:
        log.warning("enqueue_failed", extra={"job": job, "error": type(error).__name__})
        return False
    return True


def ring_what_is_due(client: redis.Redis, at: datetime) -> int:
    """Puts the jobs of `ring_at` whose time has come on their queues; returns how many. Only the scheduler does."""
    rung = 0
    for name in QUEUES:
        jobs = Queue(name, connection=client, serializer=JSONSerializer)
        registry = ScheduledJobRegistry(queue=jobs)
        for job_id in registry.get_jobs_to_schedule(int(at.timestamp())):
            job = jobs.fetch_job(job_id)
            with client.pipeline() as both:
                if job is not None:
                    jobs.enqueue_job(job, pipeline=both)
                registry.remove(job_id, pipeline=both)
                both.execute()
            rung += job is not None
    return rung


def enqueue_once(job: str, *, queue: str = "default", **ids: Any) -> bool:
    """Like `enqueue`, but rings once for many calls: until the job starts, or ten seconds have passed."""
    try:
        if not connection().set(_nudge_key(job, ids), "1", nx=True, ex=_NUDGE_SECONDS):
            return True
    except redis.RedisError:
        return False
    return enqueue(job, queue=queue, **ids)


def started(job: str, **ids: Any) -> None:
    """Said by a job rung with `enqueue_once` before it looks at the tables, so later calls ring again."""
    try:
        connection().delete(_nudge_key(job, ids))
    except redis.RedisError as error:
        log.warning("nudge_not_cleared", extra={"job": job, "error": type(error).__name__})


def _nudge_key(job: str, ids: dict[str, Any]) -> str:
    return ":".join(["nudge", job, *(str(value) for _, value in sorted(ids.items()))])
