"""Claim 27: what the form does not have never persists."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Flask

from tests.support.clients import PageClient
from tests.support.programs import personal_token, program_of
from tests.support.world import World

EXTRA: dict[str, Any] = {
    "tenant_id": str(uuid4()),
    "id": str(uuid4()),
    "role": "owner",
    "status": "converted",
    "version": "1",
    "created_at": "2001-01-01",
    "updated_at": "2001-01-01",
    "deleted_at": "2001-01-01",
    "deletion_id": str(uuid4()),
    "import_id": str(uuid4()),
    "match_key": "e:forged@example.com",
    "search_text": "forged",
    "tag_keys": "#forged",
    "value_order": "-99",
}
HIDDEN = [name for name in EXTRA if name not in ("version", "role", "updated_at")]


def test_claim_27_on_create(owner: PageClient, world: World) -> None:
    assert owner.submit("/leads/", {"last_name": "Doe", **EXTRA}).status_code == 303
    (row,) = world.rows()
    assert row["tenant_id"] == world.scope.tenant_id
    assert row["status"] == "new"
    assert row["created_at"].year > 2001
    for name in HIDDEN:
        assert str(row[name]) != EXTRA[name], name
    assert "forged" not in str(row)


def test_claim_27_on_update(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    before = world.row(lead)
    assert owner.submit(f"/leads/{lead}/edit", {**EXTRA, "last_name": "Roe"}).status_code == 303
    after = world.row(lead)
    assert after["last_name"] == "Roe"
    assert {name: after[name] for name in HIDDEN if name not in ("match_key", "search_text")} == {
        name: before[name] for name in HIDDEN if name not in ("match_key", "search_text")
    }


def test_claim_27_on_inline_edit_and_resolution(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    owner.submit(f"/leads/{lead}/fields/city", {**EXTRA, "city": "Oslo", "last_name": "Forged"})
    choices = {f"choice-{name}": "mine" for name in EXTRA} | {f"mine-{name}": value for name, value in EXTRA.items()}
    owner.submit(f"/leads/{lead}/edit", {**choices, "version": "2"})
    row = world.row(lead)
    assert (row["city"], row["last_name"], row["status"], row["version"]) == ("Oslo", "Doe", "new", 2)


def test_claim_27_on_notes_and_views(owner: PageClient, world: World, admin: Any) -> None:
    lead = world.add()
    forged = {"author_id": str(uuid4()), "author_name": "Forged", "record_id": str(uuid4()), "owner_id": str(uuid4())}
    owner.submit(f"/leads/{lead}/notes", {"body": "A note", **EXTRA, **forged})
    owner.submit("/leads/views", {"name": "View", **EXTRA, **forged})
    ((author, record, tenant),) = admin.execute("select author_id, record_id, tenant_id from notes").fetchall()
    assert (author, record, tenant) == (world.scope.user_id, lead, world.scope.tenant_id)
    ((person, tenant),) = admin.execute("select owner_id, tenant_id from saved_views").fetchall()
    assert (person, tenant) == (world.scope.user_id, world.scope.tenant_id)


def test_claim_27_by_the_api(app: Flask, inside: Any, world: World) -> None:
    """There they are refused, each with a sentence, and nothing persists."""
    program = program_of(app, "acme", personal_token(inside, world.scope))
    lead = world.add(last_name="Doe")
    before = world.row(lead), world.all_events()
    for name, value in EXTRA.items():
        if name != "version":
            refused = program.post("/api/leads", json={"last_name": "Roe", name: value})
            assert (refused.status_code, list(refused.get_json()["errors"])) == (422, [name])
        if name not in ("version", "status"):
            refused = program.patch(f"/api/leads/{lead}", json={"city": "Oslo", "version": 1, name: value})
            assert (refused.status_code, list(refused.get_json()["errors"])) == (422, [name])
    stranger = program.patch(f"/api/leads/{lead}", json={"version": 1, "owner_id": str(uuid4())})
    assert (stranger.status_code, list(stranger.get_json()["errors"])) == (422, ["owner_id"])
    assert (world.row(lead), world.all_events()) == before
    assert len(world.rows()) == 1
