"""Claims 31 and 32, through the pages: what is uploaded cannot hurt, what is downloaded cannot either."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.core import storage
from tests.support.clients import PageClient
from tests.transfer.importing import imported, send, upload

NAMES = (
    "../../../../etc/passwd",
    "..\\..\\windows\\x.csv",
    "/etc/cron.d/x.csv",
    "a\x00b.csv",
    "a\r\nSet-Cookie: x=1.csv",
    "x" * 5_000 + ".csv",
    "<img src=x onerror=1>.csv",
    ".",
    "..",
    "\u202egnp.csv",
)
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "＝1+1", "'=1")


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_claim_31_a_name_is_never_a_path(owner: PageClient, settings: Any, name: str) -> None:
    answer = send(owner, b"last name,email\nDoe,doe@example.com\n", name)
    assert answer.status_code in (303, 422)
    assert "Set-Cookie: x" not in str(answer.headers)
    for path in settings.files_dir.rglob("*"):
        assert path.is_dir() or re.fullmatch(r"[0-9a-f]{48}", path.name), path
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, "others may read it"


def test_claim_31_bombs_and_forgeries_are_refused_in_little_memory(owner: PageClient) -> None:
    sheet = b"<worksheet>" + b" " * 300_000_000
    bombs = {
        "bomb.xlsx": zipped(xl__worksheets__sheet1=sheet),
        "bomb2.xlsx": zipped(**{"xl/worksheets/sheet1.xml": sheet, "[Content_Types].xml": b"<Types/>"}),
        "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400,
        "polyglot.csv": b"GIF89a/*" + zipped(x=b"x"),
        "page.csv": b"<!DOCTYPE html><script>alert(1)</script>",
        "nested.zip": zipped(a=zipped(b=b"c")),
    }
    del sheet
    tracemalloc.start()
    for name, content in bombs.items():
        answer = send(owner, content, name)
        assert answer.status_code in (422, 303), name
        assert answer.status_code == 422 or name in ("page.csv", "polyglot.csv"), name
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000, f"{most:,} bytes"


def test_claim_31_links_in_an_archive_lead_nowhere(owner: PageClient) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../../tmp/evil", "x")
    assert send(owner, buffer.getvalue(), "link.xlsx").status_code == 422
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize("key", ["../../etc/passwd", "x", "", "0" * 36 + "/../" + "0" * 48])
def test_claim_31_a_key_that_is_none_is_never_a_path(app_context: Any, key: str) -> None:
    for read in (storage.files().path, storage.files().open, storage.files().delete):
        with pytest.raises(ValueError, match="not the key"):
            read(key)


def test_claim_31_downloads_are_attachments(owner: PageClient, run_jobs: Any) -> None:
    made = upload(owner, "last name,email\nDoe,not an address\n")
    made.check()
    run_jobs()
    for path in ("/leads/export.csv", "/leads/imports/template.csv", f"{made.url}/refused.csv"):
        answer = owner.get(path)
        assert answer.status_code == 200
        assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.csv"', answer.headers["Content-Disposition"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_claim_31_too_large_and_too_many_parts_are_413(owner: PageClient, client: PageClient) -> None:
    parts = {f"p{number}": "x" for number in range(3_000)}
    answer = owner.post("/leads/imports", data=parts, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert client.post("/leads/imports", data={"file": (io.BytesIO(b"x" * 3_000_000), "x.csv")}).status_code == 413


def test_claim_32_formulas_leave_harmless_and_come_back_whole(owner: PageClient, run_jobs: Any, admin: Any) -> None:
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(["Last name", "Company", "Job title", "Tags", "Description"])
    for number, text in enumerate(FORMULAS):
        writer.writerow([f"Row{number}", text, text, text.replace(",", ""), f"{text}\n{text}"])
    imported(owner, run_jobs, lines.getvalue())
    stored = "select last_name, company, job_title, tags, description from leads order by last_name, id"
    before = admin.execute(stored).fetchall()
    assert len(before) == len(FORMULAS)
    exported = owner.get("/leads/export.csv?columns=all").get_data(as_text=True)
    for row in csv.reader(io.StringIO(exported)):
        for cell in row:
            assert not re.match(r"[\s\x00]*[=+\-@＝＋－＠\t\r]", cell), cell
    admin.execute("delete from leads")
    imported(owner, run_jobs, exported)
    assert admin.execute(stored).fetchall() == before
