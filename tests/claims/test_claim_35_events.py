"""Claim 35: every change has exactly one event, in the same transaction; without the change there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support.clients import PageClient
from tests.support.world import World
from tests.transfer.importing import imported, rows

DOE = {"last_name": "Doe", "email": "doe@example.com"}


@pytest.fixture
def told(admin: Any) -> Callable[[], list[str]]:
    """The types of the events since one last asked, oldest first."""
    seen = [admin.execute("select count(*) from events").fetchone()[0]]

    def since() -> list[str]:
        found = [row[0] for row in admin.execute("select type from events order by at, id").fetchall()]
        new, seen[0] = found[seen[0] :], len(found)
        return new

    return since


def test_claim_35_each_change_has_one_event(
    owner: PageClient, world: World, told: Callable[[], list[str]], run_jobs: Any
) -> None:
    told()
    assert owner.submit("/leads/", DOE).status_code == 303
    assert told() == ["lead.created"]
    (lead,) = [row["id"] for row in world.rows()]
    steps: list[tuple[str, dict[str, str], list[str]]] = [
        (f"/leads/{lead}/edit", DOE | {"company": "New", "version": "1"}, ["lead.changed"]),
        (f"/leads/{lead}/edit", DOE | {"company": "New", "version": "2"}, []),
        (f"/leads/{lead}/fields/company", {"company": "Newer", "version": "2"}, ["lead.changed"]),
        (f"/leads/{lead}/move", {"to": "contacted", "version": "3"}, ["lead.moved"]),
        (f"/leads/{lead}/notes", {"body": "A note"}, ["lead.noted"]),
        ("/leads/bulk", {"ids": str(lead), "action": "move", "to": "qualified"}, ["lead.moved"]),
        (f"/leads/{lead}/delete", {}, ["lead.deleted"]),
    ]
    for path, form, expected in steps:
        assert owner.submit(path, form).status_code == 303, path
        assert told() == expected, path
    deletion = world.row(lead)["deletion_id"]
    assert owner.submit(f"/leads/deletions/{deletion}/undo").status_code == 303
    assert told() == ["lead.restored"]
    assert owner.submit(f"/leads/deletions/{deletion}/undo").status_code == 404
    assert told() == []
    owner.get("/leads/export.csv")
    assert told() == ["lead.exported"]
    imported(owner, run_jobs, rows("Ann,One,ann@example.com,,,,"))
    assert told() == ["lead.import", "lead.import"], "begun and finished; its records name it"
    assert owner.submit("/sign-out").status_code == 303
    assert told() == ["session.ended"]


def test_claim_35_what_is_refused_leaves_no_event(
    owner: PageClient, viewer: PageClient, world: World, told: Callable[[], list[str]]
) -> None:
    lead = world.add()
    told()
    assert owner.submit("/leads/", {"last_name": "", "email": "not an address"}).status_code == 422
    assert viewer.submit(f"/leads/{lead}/delete").status_code == 403
    assert owner.post(f"/leads/{lead}/delete").status_code == 400
    world_version = {"company": "Mine", "version": "1"}
    world.change(lead, company="Theirs")
    told()
    assert owner.submit(f"/leads/{lead}/fields/company", world_version).status_code == 409
    assert told() == []


def test_claim_35_the_event_shares_the_fate_of_the_change(
    owner: PageClient, world: World, admin: Any, told: Callable[[], list[str]]
) -> None:
    """The event cannot be written: then nothing is."""
    told()
    admin.execute("alter table events add constraint nothing_more check (type <> 'lead.created') not valid")
    try:
        assert owner.submit("/leads/", DOE).status_code == 500
    finally:
        admin.execute("alter table events drop constraint nothing_more")
    assert world.rows() == []
    assert told() == []


@pytest.mark.parametrize("statement", ["update events set data = '{}'", "delete from events", "truncate events"])
def test_claim_35_the_application_cannot_alter_the_log(app: Any, settings: Any, acme: Any, statement: str) -> None:
    from app.core.db import libpq_url

    with psycopg.connect(libpq_url(settings.database_url)) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (str(acme.tenant_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
