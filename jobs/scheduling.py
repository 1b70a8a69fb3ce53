"""The scheduler: RQ's cron under an advisory lock of PostgreSQL, so that two may run and one works.

It also rings the jobs that are to run at an instant (`queue.ring_at`). RQ's own scheduler for those lives in a worker
and holds a lock in Redis, which after a kill -9 nobody gets for a minute.

The lock belongs to a connection. When the process dies, or the database restarts, it is free again, and
whoever asks first goes on. Ringing twice in between is harmless: jobs are safe to run twice.
"""

from __future__ import annotations

import logging
import signal
import threading
from importlib import import_module
from typing import Any

import psycopg
import redis
from rq import Queue
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer

from app.config import Settings
from app.core import queue
from app.core.clock import now
from app.core.db import libpq_url
from jobs.schedule import SCHEDULE, Scheduled

log = logging.getLogger(__name__)
LOCK = 4_153_000_002
_ASK_SECONDS = 2.0
_LONGEST_SLEEP = 1.0


class JsonCronJob(CronJob):
    """RQ's would put a pickle on the queue, which our workers refuse to read."""

    def enqueue(self, connection: redis.Redis) -> Job:
        jobs = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return jobs.enqueue_call(self.func_name, **_options(self.job_options))


class Scheduler(CronScheduler):
    """Builds its jobs from `jobs.schedule`."""

    def add(self, item: Scheduled) -> None:
        module, _, name = item.job.rpartition(".")
        made = JsonCronJob(
            item.queue,
            getattr(import_module(module), name),
            interval=item.every,
            cron=item.cron,
            job_timeout=item.timeout,
            result_ttl=0,
            # What nobody took by the time it rings again would only pile up.
            ttl=2 * item.every if item.every else None,
            failure_ttl=24 * 3600,
        )
        self._cron_jobs.append(made)


def run(settings: Settings) -> None:
    """Rings until a signal says stop. Waits while another scheduler holds the lock, or a server is away."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=3) as lock:
                _stand_by(lock, stop)
                _ring(settings, lock, stop)
        except (psycopg.Error, redis.RedisError) as error:
            log.warning("scheduler_waits", extra={"error": type(error).__name__})
            stop.wait(_ASK_SECONDS)


def _stand_by(lock: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Asks again and again rather than waiting in the server, where a statement time-out would end it."""
    told = False
    while not stop.is_set():
        row = lock.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row and row[0]:
            log.info("scheduler_active")
            return
        if not told:
            log.info("scheduler_stands_by")
            told = True
        stop.wait(_ASK_SECONDS)


def _ring(settings: Settings, lock: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Rings what is due; a lost connection means a lost lock, and ends it with an exception."""
    if stop.is_set():
        return
    scheduler = Scheduler(queue.connect(settings.redis_url), logging_level="WARNING")
    for item in SCHEDULE:
        scheduler.add(item)
    scheduler.register_birth()
    try:
        while not stop.is_set():
            lock.execute("select 1")
            scheduler.enqueue_jobs()
            queue.ring_what_is_due(scheduler.connection, now())
            scheduler.heartbeat()
            stop.wait(min(scheduler.calculate_sleep_interval(), _LONGEST_SLEEP))
    finally:
        _unregister(scheduler)


def _unregister(scheduler: Scheduler) -> None:
    try:
        scheduler.register_death()
    except redis.RedisError:
        log.info("scheduler_left_registered")


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """CronJob names the time-out otherwise than `enqueue_call` does."""
    renamed = {"job_timeout": "timeout"}
    return {renamed.get(name, name): value for name, value in options.items() if name != "webhooks"}
