"""Bad files through the upload: a clear sentence, nothing kept, never an error of ours."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from tests.transfer.importing import count, imported, leads, rows, send, upload

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NAUGHTY = DATA / "naughty_strings" / "blns.json"


def png() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
    )


def workbook(*lines: tuple[object, ...]) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(stream)
    return stream.getvalue()


def bomb() -> bytes:
    """A workbook of a few KB whose sheet unpacks to hundreds of megabytes."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(("Email",)))) as good,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bad,
    ):
        for name in good.namelist():
            data = good.read(name)
            if name.endswith("sheet1.xml"):
                data = data.replace(
                    b"</sheetData>", b'<row><c t="inlineStr"><is><t>x</t></is></c></row>' * 8_000_000 + b"</sheetData>"
                )
            bad.writestr(name, data)
    return stream.getvalue()


REFUSED = {
    "empty": (b"", "leads.csv", "empty"),
    "blank lines": (b"\n\n \n", "leads.csv", "empty"),
    "a picture": (png(), "leads.csv", "picture"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "leads.csv", "PDF"),
    "a broken workbook": (workbook(("Email",), ("a@example.com",))[:900], "leads.xlsx", ""),
    "a zip that is no workbook": (b"PK\x05\x06" + b"\0" * 18, "leads.xlsx", ""),
    "binary": (bytes(range(256)) * 40, "leads.csv", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused_with_a_sentence(owner, admin, app, case):
    content, name, word = REFUSED[case]
    files = app.extensions["fairlead.settings"].files_dir
    before = {path for path in files.rglob("*") if path.is_file()}
    answer = send(owner, content, name)
    assert answer.status_code == 422
    (sentence,) = answer.problems
    assert sentence.endswith(".")
    assert word.lower() in sentence.lower()
    assert count(admin, "imports") == 0
    assert {path for path in files.rglob("*") if path.is_file()} == before


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(owner, admin):
    content = bomb()
    assert len(content) < 2_000_000
    answer = send(owner, content, "leads.xlsx")
    assert answer.status_code == 422
    assert answer.problems
    assert count(admin, "imports") == 0


def test_no_file_at_all(owner):
    answer = owner.submit("/leads/imports")
    assert answer.status_code == 422
    assert answer.problems == ["Choose a file first."]


def test_a_file_above_the_limit_is_refused(app, owner, admin, monkeypatch):
    monkeypatch.setattr("app.core.transfer.routes._limit", lambda: 1_000)
    answer = send(owner, b"Email\n" + b"a@example.com\n" * 1_000)
    assert answer.status_code == 413
    assert count(admin, "imports") == 0


def test_a_header_alone(owner, run_jobs, admin):
    made = upload(owner, rows())
    assert "has a header but no rows" in made.page().text_of("#import_state")
    made.check()
    run_jobs()
    assert "Nothing in this file can be imported as it is." in made.page().text_of("#import_state")
    assert made.post("start").status_code == 303
    run_jobs()
    assert count(admin) == 0


def test_odd_lines_cost_only_themselves(owner, run_jobs, admin):
    """CR-only lines, a short row, a long one, a NUL, an unclosed quotation mark at the end."""
    text = "First name,Email\rAda,ada@example.com\rBob\rCy,cy@example.com,more,cells\r"
    text += 'D\0n,dan@example.com\rEve,eve@example.com\r"Fay,fay@example.com\r'
    made = imported(owner, run_jobs, text)
    names = {row[0] for row in leads(admin)}
    assert {"Ada", "Bob", "Eve"} <= names
    refused = made.page().texts("#refused tbody tr")
    assert any(line.startswith("4 ") and "more cells than the header" in line for line in refused)
    assert any(line.startswith("5 ") and "NUL" in line for line in refused)
    assert made.tiles()["Created"] + made.tiles()["Refused"] == 6
    assert owner.get(f"{made.url}/refused.csv").status_code == 200


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "Žluťoučký"), ("utf-8-sig", "Žluťoučký"), ("utf-16", "Žluťoučký"), ("cp1252", "Zoë Núñez")],
)
def test_encodings(owner, run_jobs, admin, encoding, name):
    made = imported(owner, run_jobs, f"Name;Email\n{name};a@example.com\n".encode(encoding))
    assert made.tiles()["Created"] == 1
    assert leads(admin, "last_name") == [(name,)]


def test_the_reading_can_be_corrected(owner):
    made = upload(owner, "Name\tEmail\nŁukasz\tl@example.com\n".encode("cp1250"))
    answer = made.post("reading", {"encoding": "cp1250", "delimiter": "tab"})
    assert answer.status_code == 303
    assert "Łukasz" in made.page().text_of("#mapping")
    wrong = made.post("reading", {"encoding": "utf-16", "delimiter": "tab"})
    assert wrong.status_code in (303, 422)
    assert made.page().status_code == 200


def test_a_workbook_with_two_sheets(owner, run_jobs, admin):
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(("Email", "Amount"))
    second = book.create_sheet("People")
    second.append(("Email", "Value"))
    second.append(("ada@example.com", 12.5))
    book.save(stream)
    made = upload(owner, stream.getvalue(), "book.xlsx")
    assert made.post("reading", {"sheet": "People"}).status_code == 303
    made.check()
    run_jobs()
    made.start()
    run_jobs()
    assert leads(admin, "email, estimated_value::text, currency") == [("ada@example.com", "12.50", "USD")]


def test_every_naughty_string_in_every_column(owner, run_jobs, admin):
    if not NAUGHTY.exists():
        pytest.skip("the shared data is not here")
    strings = [text for text in json.loads(NAUGHTY.read_text()) if text.strip()]
    template = owner.get("/leads/imports/template.csv").get_data(as_text=True).strip().split(",")
    stream = io.StringIO(newline="")
    import csv

    writer = csv.writer(stream)
    writer.writerow([*template, "Key"])
    for index in range(len(template)):
        for number, text in enumerate(strings):
            cells = ["" if other != index else text for other in range(len(template))]
            writer.writerow([*cells, f"{index}-{number}"])
    made = upload(owner, stream.getvalue().encode("utf-8", "replace"))
    key = f"column-{len(template)}"
    made.check(duplicates="create", **{key: "+description"})
    run_jobs()
    checked = made.tiles()
    made.start()
    run_jobs()
    counts = made.tiles()
    assert counts["Created"] == checked["Will be created"]
    assert counts["Created"] + counts["Refused"] == len(strings) * len(template)
    assert counts["Created"] > len(strings) * 2
    assert count(admin) == counts["Created"]
    assert made.page().status_code == 200
    assert owner.get(f"{made.url}/refused.csv").status_code == 200
    assert owner.get("/leads/").status_code == 200
    assert owner.get("/leads/export.csv?columns=all").status_code == 200
    made.post("undo")
    run_jobs()
    assert count(admin) == 0


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "C:\\temp\\leads.csv", 'a"b\r\nX: y.csv', "x" * 300 + ".csv", "<script>alert(1)</script>.csv"],
)
def test_names_of_files_are_only_names(owner, admin, app, name):
    answer = send(owner, b"Email\na@example.com\n", name)
    assert answer.status_code == 303
    kept, key = admin.execute("select filename, file_key from imports").fetchone()
    assert "/" not in kept.replace("</script>", "")
    assert len(kept) <= 150
    assert app.extensions["fairlead.files"].path(key).is_file()
    assert owner.get(answer.headers["Location"]).status_code == 200


def test_malformed_ids_and_forms(owner):
    assert owner.get("/leads/imports/not-an-id").status_code == 404
    assert owner.get("/leads/imports/01a1fd54-9a5e-71da-a3c7-4bfcec53cb00").status_code == 404
    answer = owner.post(
        "/leads/imports", data={"csrf_token": owner.csrf(), "token": "x", "file": (io.BytesIO(b"Email\n"), "a.csv")}
    )
    assert answer.status_code == 303
