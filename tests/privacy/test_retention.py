"""What is over its time goes, by the organisation's own rules; what is not, stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.rules import Policy
from app.core import storage
from app.core.clock import now
from app.core.scope import Scope
from app.privacy import retention
from tests.support.clients import PageClient
from tests.support.world import World
from tests.transfer.importing import imported, rows


@pytest.fixture
def after(acme: Scope, inside: Any) -> Any:
    """`after(days, step, keep_imports_days=7)`: how much the step removes then, over all of its batches."""

    def run(days: float, step: Any, **policy: Any) -> int:
        scope, removed = replace(acme, now=now() + timedelta(days=days)), 0
        with inside(scope):
            while done := step(scope, Policy(**policy)):
                removed += done
        return removed

    return run


def test_deleted_records(world: World, after: Any, admin: Any) -> None:
    kept, gone = world.add(last_name="Kept"), world.add(last_name="Gone")
    world.note(gone)
    world.delete(gone)
    assert after(9, retention.remove_deleted, keep_deleted_days=10) == 0
    assert after(11, retention.remove_deleted, keep_deleted_days=10) == 1
    assert [row["id"] for row in world.rows()] == [kept]
    assert world.notes() == []


def test_closed_leads(world: World, after: Any) -> None:
    lost, alive = world.add(last_name="Lost"), world.add(last_name="Alive")
    world.move(lost, "lost", "No budget")
    assert after(400, retention.remove_closed) == 0
    assert after(99, retention.remove_closed, keep_closed_leads_days=100) == 0
    assert after(101, retention.remove_closed, keep_closed_leads_days=100) == 1
    assert [row["id"] for row in world.rows()] == [alive]


def test_imports_with_what_they_refused(owner: PageClient, run_jobs: Any, after: Any, admin: Any, world: World) -> None:
    imported(owner, run_jobs, rows("Ann,One,ann@example.com,,,,", "Bad,Two,not an address,,,,"))
    uploaded = world.upload()
    keys = [key for (key,) in admin.execute("select file_key from imports where id = %s", (uploaded,)).fetchall()]
    assert after(400, retention.remove_import_rows, keep_imports_days=None) == 0
    assert after(8, retention.remove_import_rows, keep_imports_days=7) == 1
    assert after(8, retention.remove_imports, keep_imports_days=7) == 2
    assert admin.execute(
        "select (select count(*) from imports), (select count(*) from import_problems)"
    ).fetchone() == (0, 0)
    with pytest.raises(storage.FileGone), world.inside(world.scope):
        storage.files().path(keys[0])
    assert len(world.rows()) == 1, "what was imported stays"


def test_sessions(owner: PageClient, after: Any, admin: Any) -> None:
    assert after(0, retention.remove_sessions) == 0
    assert after(30, retention.remove_sessions) == 1
    assert owner.get("/leads/").status_code == 303


def test_one_event_says_how_much(world: World, inside: Any, acme: Scope, admin: Any) -> None:
    world.delete(world.add())
    later = replace(acme, now=now() + timedelta(days=31))
    with inside(acme):
        assert retention.apply_retention(later)["deleted records"] == 1
    with inside(acme):
        assert "deleted records" not in retention.apply_retention(later)
    (data,) = admin.execute("select data from events where type = 'retention.applied'").fetchone()
    assert data["counts"]["deleted records"] == 1


def test_the_job_does_every_tenant(app: Any, world: World, admin: Any) -> None:
    from jobs.retention import apply

    world.delete(world.add())
    admin.execute("update leads set deleted_at = now() - interval '31 days'")
    with app.app_context():
        apply()
    assert admin.execute("select count(*) from leads").fetchone() == (0,)
