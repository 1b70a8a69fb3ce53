"""A new kind needs its folder, its blueprint's name in the settings and its migration; all the pages are there."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.config import ROOT
from tests.support.clients import PageClient
from tests.support.world import World

ROWS = [
    {"name": "Éclair gun", "email": "maker@example.com", "colour": "red", "price": "1,250.50", "tags": "kitchen, odd"},
    {"name": "Anvil", "colour": "blue", "price": "20", "price_currency": "EUR"},
    {"name": "Zeppelin"},
]


def test_it_is_one_folder_and_no_word_of_it_elsewhere() -> None:
    for place in ("app", "jobs", "migrations"):
        for path in (ROOT / place).rglob("*"):
            if path.suffix in {".py", ".html"}:
                assert "gadget" not in path.read_text().lower(), path


def test_create_show_list_and_menu(owner: PageClient, world: World) -> None:
    assert "No gadgets yet" in owner.get("/gadgets/").text_of("main")
    made = owner.submit("/gadgets/", ROWS[0])
    page = owner.get(made.headers["Location"])
    assert page.text_of("h1") == "Éclair gun"
    assert page.toasts == ["Éclair gun was added."]
    assert "$1,250.50" in page.texts(".facts dd")
    assert world.rows()[0]["price_currency"] == "USD"
    listed = owner.get("/gadgets/")
    assert listed.texts(".cell-title") == ["Éclair gun"]
    assert "Gadgets" in listed.texts("nav a")
    assert listed.soup.select_one("td.is-number").get_text(strip=True) == "$1,250.50"


def test_a_needed_field_is_asked_for(owner: PageClient, world: World) -> None:
    answer = owner.submit("/gadgets/", {"colour": "red"})
    assert (answer.status_code, answer.problems) == (422, ["Name is needed."])


def test_search_filter_sort_and_count(owner: PageClient, world: World) -> None:
    world.add_many(ROWS)
    for address, found in (
        ("?q=ecl", ["Éclair gun"]),
        ("?q=maker@", ["Éclair gun"]),
        ("?colour=red&colour=blue", ["Anvil", "Éclair gun"]),
        ("?price_min=100", ["Éclair gun"]),
        ("?tags=odd", ["Éclair gun"]),
        ("?sort=name", ["Anvil", "Éclair gun", "Zeppelin"]),
        ("?sort=-name", ["Zeppelin", "Éclair gun", "Anvil"]),
        ("?sort=price", ["Zeppelin", "Anvil", "Éclair gun"]),
    ):
        page = owner.get(f"/gadgets/{address}")
        assert page.texts(".cell-title") == found, address
        assert page.text_of("#record_count").split()[0] == str(len(found))


def test_inline_edit_conflict_and_full_edit(owner: PageClient, world: World) -> None:
    gadget = world.add(name="Anvil", price="20", price_currency="EUR")
    path = f"/gadgets/{gadget}/fields/price"
    assert owner.submit(path, {"price": "30", "version": "1"}).status_code == 303
    assert owner.get(path).text_of(".inline-value") == "€30.00"
    assert owner.submit(path, {"price": "40", "version": "1"}).status_code == 409
    assert owner.submit(f"/gadgets/{gadget}/edit", {"name": "Hammer", "version": "2"}).status_code == 303
    row = world.row(gadget)
    assert (row["name"], row["price"]) == ("Hammer", None)
    assert world.event_types(gadget) == ["created", "changed", "changed"]
    assert owner.get(f"/gadgets/{gadget}/move").status_code == 404


def test_bulk_delete_undo_notes_views_and_duplicates(owner: PageClient, world: World) -> None:
    ids = [str(record_id) for record_id in world.add_many(ROWS)]
    owner.submit("/gadgets/bulk", {"ids": ids, "action": "set:colour", "set_colour": "blue"})
    assert {row["colour"] for row in world.rows()} == {"blue"}
    done = owner.submit("/gadgets/bulk", {"ids": ids, "action": "delete", "confirmed": "1"})
    assert world.rows() == []
    owner.submit(owner.get(done.headers["Location"]).soup.select_one("[data-toast] form")["action"])
    assert len(world.rows()) == 3
    assert owner.submit(f"/gadgets/{ids[0]}/notes", {"body": "Sticky."}).status_code == 303
    assert owner.submit("/gadgets/views?colour=blue", {"name": "Blue"}).status_code == 303
    assert owner.get("/gadgets/similar?name=anvil").texts(".notice a") == ["Anvil"]
    assert owner.get("/leads/").texts(".cell-title") == []


def test_walls_and_roles(stranger: PageClient, viewer: PageClient, world: World) -> None:
    gadget = world.add(name="Anvil")
    assert stranger.get(f"/gadgets/{gadget}").status_code == 404
    assert "Anvil" not in stranger.get("/gadgets/?q=anvil").get_data(as_text=True)
    assert viewer.get(f"/gadgets/{gadget}").status_code == 200
    assert viewer.submit(f"/gadgets/{gadget}/delete").status_code == 403


def test_export(owner: PageClient, world: World) -> None:
    world.add_many(ROWS)
    text = owner.get("/gadgets/export.csv?sort=name").get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert rows[0] == ["Name", "Maker's e-mail", "Colour", "Price", "Currency", "Keeper", "Tags"]
    assert [row[0] for row in rows[1:]] == ["Anvil", "Éclair gun", "Zeppelin"]
    assert rows[2][3:5] == ["1250.50", "USD"]


def test_import_and_undo(owner: PageClient, world: World, run_jobs: Any) -> None:
    content = b'Name,Maker,Colour,Price\r\nAnvil,a@example.com,Blue,20\r\nRocket,,green,5\r\nMagnet,,red,"1,250.50"\r\n'
    form = {"csrf_token": owner.csrf(), "token": str(uuid4()), "file": (io.BytesIO(content), "gadgets.csv")}
    url = owner.post("/gadgets/imports", data=form).headers["Location"]
    mapping = {"duplicates": "skip"}
    for select in owner.get(f"{url}?mapping=1").soup.select("#mapping select"):
        chosen = select.select_one("option[selected]")
        mapping[str(select["name"])] = str(chosen["value"]) if chosen else ""
    assert owner.submit(f"{url}/mapping", mapping).status_code == 303
    run_jobs()
    assert owner.submit(f"{url}/start").status_code == 303
    run_jobs()
    assert [(row["name"], row["email"], row["price"]) for row in world.rows()] == [
        ("Anvil", "a@example.com", Decimal("20.00")),
        ("Magnet", None, Decimal("1250.50")),
    ]
    assert b"Rocket" in owner.get(f"{url}/refused.csv").data
    assert owner.submit(f"{url}/undo").status_code == 303
    run_jobs()
    assert world.rows() == []
