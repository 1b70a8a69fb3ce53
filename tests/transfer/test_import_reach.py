"""An import sees and changes what whoever asked for it does, and no more: by the rights they hold when it runs."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.records import actions
from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.world import World
from tests.transfer.importing import Upload, count, imported, upload

ALLOWED = {f"lead:{action}" for action in ("read", "create", "update", "delete", "import", "assign")}
FILE = (
    "First name,Last name,E-mail\r\nNew,Mine,mine@example.com\r\n"
    "New,Theirs,theirs@example.com\r\nNew,Fresh,fresh@example.com\r\n"
)


@pytest.fixture
def world(acme: Scope, inside: Any) -> World:
    return World(acme, inside, LEADS)


@pytest.fixture
def there(world: World, inside: Any) -> Any:
    """`there(client)`: a lead of the client's and one of somebody else."""

    def make(client: PageClient) -> None:
        for name, owner in (("mine", client.user_id), ("theirs", world.scope.user_id)):
            lead = world.add(first_name="Old", last_name=name.title(), email=f"{name}@example.com")
            with inside(world.scope):
                actions.update_record(world.scope, world.kind, lead, 1, {"owner_id": owner})

    return make


def rows(world: World) -> list[tuple[str, str, bool]]:
    return sorted((row["last_name"], row["first_name"], row["owner_id"] == world.scope.user_id) for row in world.rows())


@pytest.mark.parametrize("duplicates", ["skip", "update"])
def test_what_is_out_of_sight_is_not_there(
    as_custom_role: Any, world: World, there: Any, run_jobs: Any, duplicates: str
) -> None:
    client = as_custom_role(ALLOWED, {"lead": ("own", "own")})
    there(client)
    made = imported(client, run_jobs, FILE, duplicates=duplicates)
    touched = "New" if duplicates == "update" else "Old"
    assert rows(world) == [
        ("Fresh", "New", False),
        ("Mine", touched, False),
        ("Theirs", "New", False),
        ("Theirs", "Old", True),
    ]
    mine = {row["last_name"] for row in world.rows() if row["owner_id"] == client.user_id}
    assert mine == {"Fresh", "Mine", "Theirs"}
    assert "Theirs" not in made.page().text_of("#import_state")


def test_what_is_seen_and_not_ones_own_is_refused(as_custom_role: Any, world: World, there: Any, run_jobs: Any) -> None:
    client = as_custom_role(ALLOWED, {"lead": ("all", "own")})
    there(client)
    made = imported(client, run_jobs, FILE, duplicates="update")
    assert made.tiles() == {"Created": 1, "Updated": 1, "Skipped": 0, "Refused": 1}
    assert "not yours to change" in made.page().text_of("#import_state")
    assert rows(world) == [("Fresh", "New", False), ("Mine", "New", False), ("Theirs", "Old", True)]


def test_without_assign_nobody_is_given_a_lead(as_custom_role: Any, world: World, run_jobs: Any) -> None:
    client = as_custom_role(ALLOWED - {"lead:assign"}, {"lead": ("all", "all")})
    made = imported(client, run_jobs, "Last name,Owner\r\nDoe,owner@acme.example\r\nRoe,\r\n")
    assert made.tiles()["Refused"] == 1
    assert "Your role does not allow" in made.page().text_of("#import_state")
    assert [(row["last_name"], row["owner_id"]) for row in world.rows()] == [("Roe", client.user_id)]


def test_taking_back_leaves_what_is_not_ones_own(
    as_custom_role: Any, world: World, run_jobs: Any, inside: Any, admin: Any
) -> None:
    client = as_custom_role(ALLOWED, {"lead": ("own", "own")})
    made = imported(client, run_jobs, FILE)
    # Given away behind the import's back, and not touched otherwise.
    admin.execute("update leads set owner_id = %s where last_name = 'Fresh'", (world.scope.user_id,))
    made.post("undo")
    run_jobs()
    assert [row["last_name"] for row in world.rows()] == ["Fresh"]
    assert "1 were kept" in made.page().text_of("#import_state")


def test_imports_of_others_are_unknown(as_custom_role: Any, owner: PageClient, run_jobs: Any) -> None:
    made = imported(owner, run_jobs, FILE)
    for reach, status in ((("own", "own"), 404), (("all", "own"), 200)):
        client = as_custom_role(ALLOWED, {"lead": reach})
        assert client.get(made.url).status_code == status
        assert client.get(f"{made.url}/refused.csv").status_code == status
        assert ("leads.csv" in client.get("/leads/imports").text_of("main")) == (status == 200)


def test_rights_are_those_of_the_moment_it_runs(
    as_custom_role: Any, world: World, run_jobs: Any, admin: Any, bell: Any
) -> None:
    client = as_custom_role(ALLOWED, {"lead": ("all", "all")})
    made = upload(client, FILE)
    made.check()
    run_jobs()
    made.start()
    admin.execute("update users set disabled_at = now() where id = %s", (client.user_id,))
    run_jobs()
    assert count(admin) == 0
    (state, message), *_ = admin.execute("select state, message from imports").fetchall()
    assert state == "failed"
    assert "has left, or may not import any more" in message


def test_the_same_file_of_somebody_else_is_not_told(as_custom_role: Any, owner: PageClient, run_jobs: Any) -> None:
    imported(owner, run_jobs, FILE)
    for reach, told in ((("own", "own"), False), (("all", "own"), True)):
        made: Upload = upload(as_custom_role(ALLOWED, {"lead": reach}), FILE)
        assert ("was imported before" in made.page().text_of("main")) == told
