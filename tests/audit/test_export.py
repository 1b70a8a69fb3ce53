"""The log as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestExport(Battery):
    path = "/audit/export.csv"
    role = "admin"
    wrong_method = "PUT"
    test_works_without_script = None  # type: ignore[assignment]


def _rows(client: PageClient, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/audit/export.csv{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


def test_what_the_filter_finds_leaves_and_is_logged(owner: PageClient, world: World, admin: Any) -> None:
    lead = world.add(last_name="Doe")
    world.change(lead, company="Initech")
    changed, created = _rows(owner, "?kind=lead")
    assert (changed["Type"], created["Type"]) == ("lead.changed", "lead.created")
    assert changed["Record"] == str(lead)
    assert "Initech" in changed["Details"]
    assert changed["In the chain"] == "not yet"
    (data,) = admin.execute("select data from events where type = 'audit.exported'").fetchone()
    assert data == {"query": "kind=lead", "rows": 2}


def test_no_cell_is_a_formula(owner: PageClient, world: World) -> None:
    world.add(last_name="=cmd|' /C calc'!A0")
    text = owner.get("/audit/export.csv?kind=lead").get_data(as_text=True)
    for row in csv.reader(io.StringIO(text)):
        assert not [cell for cell in row if cell[:1] in "=+-@\t" and cell]


def test_nobody_elses_events(stranger: PageClient, world: World) -> None:
    world.add()
    assert _rows(stranger, "?kind=lead") == []
