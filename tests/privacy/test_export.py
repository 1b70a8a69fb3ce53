"""What an export holds, and how long it is there."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.core.clock import now
from app.privacy.actions import forget_files
from tests.support.clients import PageClient
from tests.support.world import World

ADDRESS = "doe@example.com"


def _archive(client: PageClient, request_id: Any) -> zipfile.ZipFile:
    answer = client.get(f"/privacy/requests/{request_id}/data.zip")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    return zipfile.ZipFile(io.BytesIO(answer.get_data()))


def test_everything_is_in_it_three_times(owner: PageClient, world: World, admin: Any) -> None:
    lead = world.add(last_name="=Doe()", email=ADDRESS)
    other = world.add(last_name="Roe", email="roe@example.com")
    world.note(lead, "About <b>Doe</b>.")
    world.note(other, f"Ask {ADDRESS}.")
    archive = _archive(owner, world.privacy_request())
    data = json.loads(archive.read("data.json"))
    assert [row["id"] for row in data["leads"]] == [str(lead)]
    assert [row["body"] for row in data["leads-notes"]] == ["About <b>Doe</b>."]
    assert [row["body"] for row in data["notes-that-mention"]] == [f"Ask {ADDRESS}."]
    assert {row["type"] for row in data["leads-history"]} == {"lead.created", "lead.noted"}
    (row,) = csv.DictReader(io.StringIO(archive.read("leads.csv").decode()))
    assert row["last_name"] == "'=Doe()"
    page = archive.read("index.html").decode()
    assert "About &lt;b&gt;Doe&lt;/b&gt;." in page
    assert str(other) not in json.dumps(data["leads"])
    told = admin.execute("select type from events where subject_kind = 'person' order by id").fetchall()
    assert told == [("person.export_asked",), ("person.exported",), ("person.downloaded",)]
    assert admin.execute("select address_sealed from privacy_requests").fetchone() == (None,)


def test_an_account_without_its_secrets(owner: PageClient, as_role: Any, world: World) -> None:
    as_role("agent")
    archive = _archive(owner, world.privacy_request("agent@acme.example"))
    data = json.loads(archive.read("data.json"))
    assert data["account"][0]["email"] == "agent@acme.example"
    assert data["sessions"]
    for name in ("password_hash", "token_hash", "digest", "seal"):
        assert name not in json.dumps(data), name


def test_after_a_week_it_is_gone(owner: PageClient, world: World, inside: Any, app: Any) -> None:
    from app.core import storage
    from app.extensions import db
    from app.privacy.models import PrivacyRequest

    request = world.privacy_request()
    later = replace(world.scope, now=now() + timedelta(days=7, minutes=1))
    with inside(world.scope):
        key = db.session.get_one(PrivacyRequest, (world.scope.tenant_id, request)).file_key
        assert storage.files().path(key).is_file()
    with inside(world.scope):
        assert forget_files(world.scope) == 0
        assert forget_files(later) == 1
    assert owner.get(f"/privacy/requests/{request}/data.zip").status_code == 410
    with app.app_context():
        folder = storage.files()
        assert not (folder._folder / key).exists()  # type: ignore[attr-defined]
