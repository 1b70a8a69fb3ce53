"""The worker: RQ's, with JSON payloads, and a child per job that shares no connection with its parent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import redis
from flask import current_app
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from app.config import Settings
from app.core import queue
from app.extensions import db

log = logging.getLogger(__name__)
_RETRY_SECONDS = 2


class NotOurJob(Exception):
    """Something on the queue names a function that is no job of ours."""


class OwnJob(Job):
    """A job names its function, and RQ would call whatever it names: who can write to Redis could run anything.

    Only functions that `@job` made jobs are called; callbacks and webhooks, which we do not use, never.
    """

    success_callback = failure_callback = stopped_callback = None

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """None are ours."""

    @property
    def func(self) -> Callable[..., Any]:
        module, _, name = (self.func_name or "").rpartition(".")
        found: Any = getattr(import_module(module), name, None) if module.startswith("jobs.") else None
        if self.instance is not None or not getattr(found, "__job__", False):
            raise NotOurJob("The queue names a function that is no job.")
        return found


class ForkingWorker(Worker):
    """A job runs in a child, so that killing or leaking in one cannot harm the next."""

    def main_work_horse(self, job: Any, queue: Any) -> None:
        # Sockets of the parent's pool would be used by both sides of the fork.
        db.engine.dispose(close=False)
        super().main_work_horse(job, queue)


def run(queues: Sequence[str], *, burst: bool = False) -> None:
    """Works until a signal says stop; waits for Redis when it is away."""
    settings: Settings = current_app.extensions["fairlead.settings"]
    while True:
        # No socket time-out of our own: RQ waits on the queues for minutes and sets what it needs.
        connection = queue.connect(settings.redis_url, timeout=None)
        try:
            made(queues, connection).work(burst=burst, logging_level="WARNING", with_scheduler=False)
            return
        except redis.RedisError as error:
            log.warning("worker_waits_for_redis", extra={"error": type(error).__name__})
            time.sleep(_RETRY_SECONDS)


def made(queues: Sequence[str], connection: redis.Redis) -> ForkingWorker:
    named = [Queue(name, connection=connection, serializer=JSONSerializer, job_class=OwnJob) for name in queues]
    return ForkingWorker(
        named, connection=connection, serializer=JSONSerializer, job_class=OwnJob, log_job_description=False
    )
