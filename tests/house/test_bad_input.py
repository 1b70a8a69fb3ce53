"""Whatever is typed, nothing breaks and nothing is lost: never a 500, and what is stored is what was typed.

Documented cleaning (`records.text.clean`): control characters go, line ends become LF, Unicode is composed,
the ends are trimmed; in one-line fields white space is folded to single spaces.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from app.config import ROOT
from app.core.records.text import clean
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.world import World

BLNS = ROOT.parent / "shared" / "data" / "naughty_strings" / "blns.json"
BY_HAND = [
    *("", "undefined", "null", "None", "NaN", "true", "0", "-1", "1e309", "0x10", "1/0", "０１２", "\u0660\u0661"),
    *("'", '"', "'; drop table leads; --", '" or 1=1', "%s %d %n", "{{ 7*7 }}", "{% raw %}", "${7*7}", "#{1}"),
    *("<script>alert(1)</script>", "<b onmouseover=alert(1)>", "]]>", "<!--", "&lt;&amp;", "\\", "\\\\0", "/dev/null"),
    *("../../etc/passwd", "a\x00b", "\x00", "\x1b[31m", "\ud7ff\ue000", "\ufeffx", "\u202etxet", "e\u0301", "田中さん"),
    *("👩‍👩‍👧‍👦", "Ω≈ç√∫", "مرحبا", "a\r\nb", "\t\v\f", "\u2028\u2029", "x" * 10_000, " \u00a0 ", "=1+1", "@SUM(1)"),
]
TEXTS = ("first_name", "last_name", "company", "job_title", "street", "city", "state", "postal_code", "country")


def naughty() -> list[str]:
    found = json.loads(BLNS.read_text()) if BLNS.exists() else []
    return list(dict.fromkeys([*BY_HAND, *found]))


def one_line(text: str) -> str | None:
    return " ".join(clean(text).split()) or None


def test_there_is_something_naughty() -> None:
    assert len(naughty()) >= 40


def test_every_text_field_stores_what_was_typed(owner: PageClient, world: World) -> None:
    """A form takes many at once: each string stands in each field of some lead."""
    texts = naughty()
    for start in range(0, len(texts), 3):
        some = texts[start : start + 3]
        typed = {name: some[place % len(some)] for place, name in enumerate(TEXTS)}
        typed |= {"company": typed["company"], "description": "\n".join(some), "email": f"a{start}@example.com"}
        answer = owner.submit("/leads/", typed, check=False)
        wrong = {
            name for name in typed if name in LEADS._by_name and len(clean(typed[name])) > LEADS.field(name).max_length
        }
        assert answer.status_code == (422 if wrong else 303), some
        if wrong:
            continue
        (row,) = [row for row in world.rows() if row["email"] == f"a{start}@example.com"]
        for name in TEXTS:
            assert row[name] == one_line(typed[name]), (name, typed[name])
        assert row["description"] == (clean(typed["description"]) or None)
        page = owner.get(answer.headers["Location"], check=False)
        assert page.status_code == 200
        world.delete(row["id"])


def test_every_typed_field_refuses_or_takes_it(owner: PageClient, world: World) -> None:
    kinds = [spec.name for spec in LEADS.editable if spec.name not in (*TEXTS, "description")]
    for text in naughty()[::2]:
        answer = owner.submit("/leads/", {"last_name": "Doe", **dict.fromkeys(kinds, text)}, check=False)
        assert answer.status_code in (303, 422), text


@pytest.mark.parametrize("name", [spec.name for spec in LEADS.editable])
def test_inline_edit(owner: PageClient, world: World, name: str) -> None:
    lead = world.add(last_name="Doe", company="Co")
    for text in naughty()[::6]:
        version = world.row(lead)["version"]
        form = {name: text, "version": str(version)}
        answer = owner.fragment(
            f"/leads/{lead}/fields/{name}", target=f"field--{name}", method="POST", data=form, check=False
        )
        assert answer.status_code in (200, 422), (name, text)
        if answer.status_code == 422:
            assert world.row(lead)["version"] == version


def test_search_filters_and_names_of_views(owner: PageClient, world: World) -> None:
    world.add(last_name="Doe")
    keys = (
        "q",
        "tags",
        "rating",
        "owner_id",
        "estimated_value_min",
        "last_contacted_at_to",
        "sort",
        "columns",
        "cursor",
        "view",
    )
    for place, text in enumerate(naughty()):
        for path in ("/leads/", "/leads/count", "/leads/similar", "/leads/views/new"):
            if hash(path) % 4 == place % 4 or place < len(BY_HAND):
                answer = owner.get(path, query_string=dict.fromkeys(keys, text[:500]), check=False)
                assert answer.status_code == 200, (path, text)


def test_notes_and_views_keep_what_was_typed(owner: PageClient, world: World) -> None:
    lead = world.add()
    kept = []
    for text in naughty()[::4]:
        answer = owner.submit(f"/leads/{lead}/notes", {"body": text}, check=False)
        assert answer.status_code == (303 if clean(text) else 422), text
        kept += [clean(text)] if clean(text) else []
        named = owner.submit("/leads/views", {"name": text}, check=False)
        assert named.status_code in (303, 422), text
    assert world.notes() == kept
    assert owner.get(f"/leads/{lead}").status_code == 200
    assert owner.get("/leads/").status_code == 200


def test_bulk_tags_and_reasons(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    for text in naughty()[::8]:
        for form in ({"action": "tag", "tags": text}, {"action": "move", "to": text, "reason": text}, {"action": text}):
            answer = owner.submit("/leads/bulk", {"ids": [str(lead), text], **form}, check=False)
            assert answer.status_code == 303, text
            owner.get("/leads/", check=False)


@pytest.mark.parametrize(
    "bad", ["abc", "%00", "%ff", "0", "-1", "1e9", "..%2f..", "%E2%80%AE", "x" * 2_000, "{}", "null"]
)
def test_malformed_ids_are_404(owner: PageClient, bad: str) -> None:
    for path in (f"/leads/{bad}x", f"/leads/{bad}/edit", f"/leads/{bad}/fields/email", f"/leads/imports/{bad}x"):
        assert owner.get(path).status_code == 404, path


@pytest.mark.parametrize("name", ["%00", "x" * 3_000, "%ff", "..", "<b>", "__dict__"])
def test_malformed_field_names_are_404(owner: PageClient, world: World, name: str) -> None:
    assert owner.get(f"/leads/{world.add()}/fields/{name}/edit", check=False).status_code == 404


def test_huge_input_is_refused_in_words(owner: PageClient, world: World) -> None:
    answer = owner.submit("/leads/", {"last_name": "Doe", "description": "x" * 3_000_000})
    assert answer.status_code == 413
    assert "Too large" in answer.get_data(as_text=True)
    assert owner.get("/leads/?q=" + "x" * 100_000).status_code in (200, 414)
    assert owner.submit("/leads/bulk", {"action": "delete", "ids": ["x"] * 20_000}).status_code == 303
    assert world.rows() == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"last_name": "Doe"}'),
        ("application/xml", b"<a/>"),
        ("text/plain", b"last_name=Doe"),
        ("", b"last_name=Doe"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"last_name=%ff%fe"),
        ("application/x-www-form-urlencoded", b"last_name=%ED%A0%80&last_name=%C3%28&company=Co"),
    ],
)
def test_odd_content_types_are_refused_or_read(owner: PageClient, world: World, content_type: str, body: bytes) -> None:
    headers = {"X-CSRFToken": owner.csrf()}
    answer = owner.post("/leads/", data=body, content_type=content_type, headers=headers, check=False)
    assert answer.status_code in (303, 400, 413, 415, 422)


def test_headers_cannot_be_injected(owner: PageClient, world: World) -> None:
    evil = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>"
    lead = world.add(last_name=evil, company="Co")
    answers: list[Any] = [
        owner.get("/leads/", query_string={"q": evil, "sort": evil, "cursor": evil}, check=False),
        owner.submit("/leads/views", {"name": "evil"}, query_string={"q": evil}, check=False),
        owner.submit(f"/leads/{lead}/delete", {}, check=False),
        owner.submit(
            "/leads/", {"last_name": evil}, headers={"HX-Request": "true", "HX-Target": "div#dialog"}, check=False
        ),
        owner.get("/leads/export.csv", query_string={"q": evil}, check=False),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert "evil=1" not in str(answer.headers.getlist("Set-Cookie"))
        for _, value in answer.headers:
            assert "\n" not in value
            assert "\r" not in value


@pytest.mark.parametrize(
    "header", ["HX-Target", "HX-Current-URL", "HX-Request-Type", "X-Request-ID", "Referer", "Accept"]
)
def test_odd_headers_break_nothing(app: Flask, owner: PageClient, header: str) -> None:
    for value in ("#", "div#", "##", "é", "x" * 4_000, "http://[", "javascript:alert(1)", "'\"<>"):
        headers = {"HX-Request": "true", header: value.encode().decode("latin-1")}
        assert owner.get("/leads/", headers=headers, check=False).status_code < 500
