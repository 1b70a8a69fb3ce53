"""Imports that are interrupted: crashes, kills, cancels, lost doorbells. Nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import event

from app.accounts.queries import system_scope
from app.core.access import KindReach, Reach
from app.core.db import libpq_url
from app.core.transfer import queries, running
from app.extensions import db
from app.leads.definition import LEADS
from jobs import imports as jobs
from tests.transfer.importing import Upload, count, imported, leads, people, upload

# A worker of its own, as the kill -9 test needs one: the same job, in chunks that take a while.
_WORKER = """
import sys, time
from uuid import UUID, uuid4
from app import create_app
from app.config import Settings
from app.core.transfer import running, writing
from app.core.transfer.running import lease
from jobs import imports
lease.CHUNK = 100
slow = writing.insert_records
def insert_records(*args):
    slow(*args)
    time.sleep(0.1)
writing.insert_records = insert_records
settings = eval(sys.stdin.read())
with create_app(settings).app_context():
    print("ready", flush=True)
    imports.run(tenant_id=sys.argv[1], import_id=sys.argv[2])
"""


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(running.lease, "CHUNK", 10)


@pytest.fixture
def work(inside, acme):
    """`work(import_id, chunks)`: a worker that dies after so many chunks, its lease still held."""

    def run(import_id: UUID, chunks: int | None = None) -> None:
        with inside(acme):
            running.run_import(system_scope(acme.tenant_id), import_id, chunks=chunks)

    return run


@pytest.fixture
def sweep(app):
    """The scheduled job, in the test's application."""

    def run() -> None:
        with app.app_context():
            jobs.sweep()

    return run


def lapse(admin) -> None:
    """Time passes: the lease of the dead worker is over."""
    admin.execute("update imports set lease_until = now() - interval '1 second' where lease_until is not null")


def started(client, run_jobs, content: str, bell, **choices: str) -> Upload:
    """Checked and started, but no worker has heard the ring."""
    made = upload(client, content)
    made.check(**choices)
    run_jobs()
    made.start()
    bell.flushdb()
    return made


def row_of(admin, import_id: UUID, columns: str) -> tuple[Any, ...]:
    return admin.execute(f"select {columns} from imports where id = %s".encode(), (import_id,)).fetchone()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_a_dead_worker_is_followed_by_another(owner, run_jobs, bell, admin, work, chunks):
    made = started(owner, run_jobs, people(30), bell)
    work(made.id, chunks)
    assert row_of(admin, made.id, "state, next_row, created") == ("importing", 10 * chunks, 10 * chunks)
    assert count(admin) == 10 * chunks
    work(made.id)
    assert count(admin) == 10 * chunks, "a second worker began while the lease held"
    lapse(admin)
    work(made.id)
    assert row_of(admin, made.id, "state, next_row, created, total_rows") == ("imported", 30, 30, 30)
    assert [row[2] for row in leads(admin)] == sorted(f"ann{n}@example.com" for n in range(30))
    assert sorted(row[0] for row in leads(admin, "import_row")) == list(range(2, 32))


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_that_comes_back_late_does_nothing(owner, run_jobs, bell, admin, work, monkeypatch):
    made = started(owner, run_jobs, people(30), bell)
    write = running.forth._write

    def overtaken(mine, plan):
        """Another worker takes over, while this one stands still before it writes its second chunk."""
        monkeypatch.setattr(running.forth, "_write", write)
        write(mine, plan)

    monkeypatch.setattr(running.forth, "_write", overtaken)
    work(made.id, 1)
    admin.execute(
        "update imports set worker = gen_random_uuid(), next_row = 30, lease_until = now() + interval '1 minute'"
    )
    work(made.id)
    assert count(admin) == 10


@pytest.mark.usefixtures("small_chunks")
def test_an_interrupted_check_begins_again(owner, run_jobs, bell, admin, work):
    text = people(15) + "Bad,,not-an-address,,,,\r\n" + "Twice,Number 3,ann3@example.com,,,,\r\n"
    made = upload(owner, text)
    made.check()
    bell.flushdb()
    work(made.id, 1)
    lapse(admin)
    work(made.id)
    assert made.tiles() == {"Will be created": 15, "Will be updated": 0, "Will be skipped": 1, "Refused": 1}
    assert count(admin, "import_problems") == 1


@pytest.mark.usefixtures("small_chunks")
def test_the_sweep_rings_for_what_was_lost(owner, run_jobs, bell, admin, work, sweep):
    made = started(owner, run_jobs, people(20), bell)
    work(made.id, 1)
    sweep()
    assert run_jobs() == 0, "rang although the lease holds"
    lapse(admin)
    sweep()
    assert run_jobs() == 1
    assert made.tiles()["Created"] == 20


@pytest.mark.usefixtures("small_chunks")
def test_cancel_keeps_what_is_in(owner, run_jobs, bell, admin, work):
    made = started(owner, run_jobs, people(30), bell)
    work(made.id, 1)
    made.post("cancel")
    assert "stops after the rows under way" in made.page().text_of("#import_state")
    lapse(admin)
    work(made.id)
    text = made.page().text_of("#import_state")
    assert "It was cancelled after 10 rows. What was imported until then is in." in text
    assert count(admin) == 10
    made.post("undo")
    run_jobs()
    assert count(admin) == 0


def test_cancel_waits_for_a_chunk_that_takes_long(owner, run_jobs, bell, admin, test_servers):
    """Longer than a page waits for a lock otherwise (2 s)."""
    made = started(owner, run_jobs, people(1), bell)
    with psycopg.connect(libpq_url(test_servers.admin_url)) as chunk:
        chunk.execute("select 1 from imports for update")
        threading.Timer(2.5, chunk.rollback).start()
        assert made.post("cancel").status_code == 303
    assert row_of(admin, made.id, "cancel_requested")[0]


@pytest.mark.usefixtures("small_chunks")
def test_an_undo_that_is_interrupted_goes_on(owner, run_jobs, bell, admin, work):
    imported(owner, run_jobs, people(15, company="Before"))
    made = imported(owner, run_jobs, people(40, company="After"), duplicates="update")
    assert made.tiles() == {"Created": 25, "Updated": 15, "Skipped": 0, "Refused": 0}
    made.post("undo")
    bell.flushdb()
    for chunks in (1, 2, 1):
        work(made.id, chunks)
        lapse(admin)
    work(made.id)
    assert made.tiles() == {"Removed": 25, "Restored": 15, "Kept": 0}
    assert {row[3] for row in leads(admin)} == {"Before"}
    assert len(leads(admin)) == 15


@pytest.mark.usefixtures("small_chunks")
def test_a_record_of_this_very_file_updated_in_a_later_chunk_is_removed(owner, run_jobs, admin):
    made = imported(owner, run_jobs, people(12) + "Ann,Later,ann0@example.com,,Later,,\r\n", duplicates="update")
    assert made.tiles()["Updated"] == 1
    assert leads(admin, "last_name, version")[0] == ("Later", 2)
    made.post("undo")
    run_jobs()
    assert made.tiles() == {"Removed": 12, "Restored": 0, "Kept": 0}
    assert count(admin) == 0


def test_what_cannot_be_done_fails_after_three_attempts(owner, run_jobs, bell, admin, work, monkeypatch):
    made = started(owner, run_jobs, people(3), bell)

    def broken(*args: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("app.core.transfer.writing.insert_records", broken)
    for _ in range(2):
        work(made.id)
        assert row_of(admin, made.id, "state, worker") == ("importing", None)
    work(made.id)
    assert row_of(admin, made.id, "state")[0] == "failed"
    assert "3 attempts to go on failed. Nothing was imported." in made.page().text_of("#import_state")
    assert "a fault of ours" not in made.page().get_data(as_text=True)


@pytest.mark.usefixtures("small_chunks")
def test_workers_that_die_in_the_same_place_give_up(owner, run_jobs, bell, admin, work, monkeypatch):
    """Killed again and again within one chunk, as by its memory: nobody is left to count the failures."""
    made = started(owner, run_jobs, people(20), bell)
    work(made.id, 1)
    admin.execute("update imports set attempts = 3, lease_until = now() - interval '1 second'")
    work(made.id)
    assert row_of(admin, made.id, "state, created") == ("failed", 10)
    made.post("undo")
    run_jobs()
    assert count(admin) == 0


def test_uploads_nobody_came_back_to_are_given_up(owner, run_jobs, admin, app, sweep):
    made = upload(owner, people(1))
    key = row_of(admin, made.id, "file_key")[0]
    stored = app.extensions["fairlead.files"].path(key)
    sweep()
    assert stored.exists()
    admin.execute("update imports set created_at = now() - interval '8 days'")
    sweep()
    assert row_of(admin, made.id, "state")[0] == "cancelled"
    assert not stored.exists()


def test_a_file_that_vanished_is_said(owner, run_jobs, admin, app):
    made = upload(owner, people(1))
    made.check()
    app.extensions["fairlead.files"].delete(row_of(admin, made.id, "file_key")[0])
    run_jobs()
    assert "The uploaded file is no longer here. Upload it again." in made.page().text_of("#import_state")


@pytest.mark.parametrize("reach", [Reach.OWN, Reach.TEAM, Reach.ALL])
def test_the_lookup_uses_the_index_of_the_match_key(inside, acme, owner, run_jobs, admin, reach):
    """Also when the statistics say that the table is empty, as after an import was taken back."""
    imported(owner, run_jobs, people(5_000))
    admin.execute("begin; delete from leads; analyze leads; rollback")
    admin.execute("update pg_class set reltuples = 0 where relname = 'leads'")
    sent: list[tuple[str, Any]] = []
    with inside(acme):
        db.session.execute(running.lease._SETTINGS)
        engine = db.session.connection().engine
        listener = lambda c, cursor, sql, params, context, many: sent.append((sql, params))  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        who = replace(acme, reach={"lead": KindReach(reach, reach)}, colleagues=frozenset({uuid4(), acme.user_id}))
        found = queries.find_existing(who, LEADS, ["e:ann1@example.com", "e:nobody"], values=False, lock=False)
        event.remove(engine, "before_cursor_execute", listener)
        sql, params = sent[-1]
        plan = "\n".join(row[0] for row in db.session.connection().exec_driver_sql(f"explain {sql}", params))
    assert list(found) == (["e:ann1@example.com"] if reach is Reach.ALL else [])
    assert "ix_leads_match_key" in plan, plan


def test_the_event_log_tells_of_start_end_and_undo(owner, run_jobs, admin):
    made = imported(owner, run_jobs, people(2))
    made.post("undo")
    run_jobs()
    states = admin.execute(
        "select data ->> 'state', actor_name from events where type = 'lead.import' and subject_id = %s order by id",
        (made.id,),
    ).fetchall()
    assert [state for state, _ in states] == ["importing", "imported", "undone"]
    assert {actor for _, actor in states} == {row_of(admin, made.id, "created_by_name")[0]}


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(owner, run_jobs, bell, admin, work, settings, acme):
    _killed(owner, run_jobs, bell, admin, work, settings, acme, rows=600, kills=1)


@pytest.mark.faults
def test_workers_killed_ten_times(owner, run_jobs, bell, admin, work, settings, acme):
    _killed(owner, run_jobs, bell, admin, work, settings, acme, rows=5_000, kills=10)


def _killed(owner, run_jobs, bell, admin, work, settings, acme, *, rows: int, kills: int) -> None:
    """kill -9 of a real worker process, each time after it has written some chunks and before it has written all."""
    made = started(owner, run_jobs, people(rows), bell)
    for _ in range(kills):
        before = row_of(admin, made.id, "next_row")[0]
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(acme.tenant_id), str(made.id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
            text=True,
        )
        process.stdin.write(repr(settings).replace("PosixPath", "__import__('pathlib').PosixPath"))
        process.stdin.close()
        until = time.monotonic() + 30
        while row_of(admin, made.id, "next_row")[0] == before and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached = row_of(admin, made.id, "next_row")[0]
        assert before < reached < rows
        assert count(admin) == reached
        lapse(admin)
    work(made.id)
    assert row_of(admin, made.id, "state, created, attempts") == ("imported", rows, 0)
    assert sorted(row[0] for row in leads(admin, "import_row")) == list(range(2, rows + 2))


def test_the_look_across_tenants_shows_only_who_waits(app, owner, run_jobs, bell, admin, acme):
    made = started(owner, run_jobs, people(1), bell)
    with app.app_context():
        assert queries.tenants_with_lapsed_imports() == []
        admin.execute("update imports set lease_until = now() - interval '1 second' where id = %s", (made.id,))
        assert queries.tenants_with_lapsed_imports() == [acme.tenant_id]
