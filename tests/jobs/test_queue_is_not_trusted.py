"""Redis holds no code and no data: whoever can write to it can run nothing, whoever can read it learns nothing."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.config import Settings
from jobs import JobFailed, job
from jobs.working import made
from tests.jobs.test_processes import flask
from tests.support.waiting import PATIENCE


@pytest.mark.parametrize("function", ["os.mkdir", "jobs.import_module", "jobs.working.run", "subprocess.call"])
def test_the_worker_calls_nothing_but_jobs(
    settings: Settings, bell: redis.Redis, tmp_path: Path, app: Any, function: str
) -> None:
    queue = Queue("default", connection=bell, serializer=JSONSerializer)
    queue.enqueue_call(func=function, args=[str(tmp_path / "made")], failure_ttl=60)
    with flask(settings, "worker", "--burst") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert not (tmp_path / "made").exists()
    assert len(queue.failed_job_registry) == 1


def test_callbacks_of_a_job_are_not_called(bell: redis.Redis, app: Any) -> None:
    queue = Queue("default", connection=bell, serializer=JSONSerializer)
    there = queue.enqueue_call(func="jobs.events.sweep")
    names = ("success_callback_name", "failure_callback_name", "stopped_callback_name")
    bell.hset(there.key, mapping=dict.fromkeys(names, "os.getpid"))
    worker = made(["default"], bell)
    fetched = worker.job_class.fetch(there.id, connection=bell, serializer=JSONSerializer)
    assert fetched.func.__name__ == "sweep"
    assert (fetched.success_callback, fetched.failure_callback, fetched.stopped_callback) == (None, None, None)


@job
def refuses_a_row() -> None:
    raise ValueError("DETAIL: Failing row contains (jane@example.com, +49 30 123456).")


def test_claim_33_what_a_job_raises_is_not_told_to_redis(app: Any) -> None:
    with app.app_context(), pytest.raises(JobFailed) as failed:
        refuses_a_row()
    told = "".join(traceback.format_exception(failed.value))
    assert "ValueError" in told
    assert "jane" not in told
    assert "123456" not in told
