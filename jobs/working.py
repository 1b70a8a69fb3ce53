"""The worker: RQ's, with JSON payloads, and a child per job that shares no connection with its parent."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import redis
from flask import current_app
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from app.config import Settings
from app.core import queue
from app.extensions import db

log = logging.getLogger(__name__)
_RETRY_SECONDS = 2


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
        except redis.ConnectionError as error:
            log.warning("worker_waits_for_redis", extra={"error": type(error).__name__})
            time.sleep(_RETRY_SECONDS)


def made(queues: Sequence[str], connection: redis.Redis) -> ForkingWorker:
    named = [Queue(name, connection=connection, serializer=JSONSerializer) for name in queues]
    return ForkingWorker(named, connection=connection, serializer=JSONSerializer, log_job_description=False)
