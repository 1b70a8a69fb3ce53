"""The real worker and scheduler, as processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psycopg
import pytest
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select

from app.config import ROOT
from app.core import db as database
from app.core import queue
from app.core.clock import new_id
from app.core.events import Event, OutboxRow, publish
from app.extensions import db
from jobs.scheduling import LOCK
from tests.support import servers
from tests.support.waiting import PATIENCE


class Happened(Event):
    verb = "tried"


@contextmanager
def flask(settings, *words):
    """A `flask` process on this worker's servers; ended with the block."""
    env = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "MIGRATOR_URL": settings.migrator_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": servers.keys_text(settings.encryption_keys),
        "FAIRLEAD_STATE": str(settings.state_dir),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("did not happen in time")


def _waiting(inside, scope):
    with inside(scope):
        return len(db.session.scalars(select(OutboxRow)).all())


def test_a_worker_takes_json_jobs_and_stops_when_asked(app, settings, inside, acme):
    with inside(acme):
        publish(acme, Happened("thing", new_id()))
    assert _waiting(inside, acme) == 1
    with flask(settings, "worker") as process:
        until(lambda: _waiting(inside, acme) == 0)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "job_done" in output


def test_what_a_job_raises_is_logged_and_kept(app, settings, bell):
    with app.app_context():
        queue.enqueue("jobs.events.dispatch", tenant_id="not-a-uuid")
    with flask(settings, "worker", "--burst") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "job_failed" in output
    assert len(Queue("default", connection=bell, serializer=JSONSerializer).failed_job_registry) == 1


def _holder(admin):
    row = admin.execute(
        "select a.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' "
        "and l.granted and (l.classid::bigint << 32) + l.objid::bigint = %s and a.datname = current_database()",
        (LOCK,),
    ).fetchone()
    return row and row[0]


@pytest.mark.faults
def test_the_second_scheduler_takes_over(app, settings, admin, bell):
    with flask(settings, "scheduler") as first:
        until(lambda: _holder(admin))
        until(lambda: len(Queue("sweeps", connection=bell, serializer=JSONSerializer)))
        with flask(settings, "scheduler") as second:
            assert any("scheduler_stands_by" in line for line in second.stdout)
            before = _holder(admin)
            bell.flushdb()
            first.kill()
            until(lambda: _holder(admin) not in (None, before))
            until(lambda: len(Queue("sweeps", connection=bell, serializer=JSONSerializer)))
            second.send_signal(signal.SIGTERM)
            output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, output
    assert "scheduler_active" in output


def test_a_scheduler_rings_and_stops_when_asked(app, settings, admin, bell, run_jobs):
    with flask(settings, "scheduler") as process:
        until(lambda: len(Queue("sweeps", connection=bell, serializer=JSONSerializer)))
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert run_jobs() >= 1


@pytest.mark.faults
def test_a_scheduler_survives_its_connection(app, settings, admin, bell):
    with flask(settings, "scheduler") as process:
        before = until(lambda: _holder(admin))
        admin.execute("select pg_terminate_backend(%s)", (before,))
        until(lambda: _holder(admin) not in (None, before))
        assert process.poll() is None


def test_the_lock_is_free_afterwards(settings):
    with psycopg.connect(database.libpq_url(settings.database_url)) as connection:
        assert connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone() == (True,)
