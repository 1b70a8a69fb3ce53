"""Claim 29: what people type never becomes markup. Fields, notes, tags, names of views and files, searches."""

from __future__ import annotations

from bs4 import BeautifulSoup

from app.config import ROOT
from tests.records.test_markdown import SCHEME, SCHEMES
from tests.support.clients import PageClient, PageResponse
from tests.support.world import World

DATA = ROOT.parent / "shared" / "data"
MARK = "zqxss"
BY_HAND = [
    f"<script>{MARK}</script>",
    f'"><img src=x onerror={MARK}>',
    f"' autofocus onfocus={MARK} x='",
    f"<svg onload={MARK}>",
    f"</textarea><iframe src=//{MARK}>",
    f"</title><base href=//{MARK}>",
    f"&lt;script&gt;{MARK}",
    f'" hx-get="/{MARK}" hx-trigger="load',
    f'"><a href="javascript:{MARK}">x</a>',
    f"{{{{ {MARK} }}}}",
    f"<template><form action=//{MARK}>",
    f"<p hx-on:click={MARK} data-behaviour=draft>",
]


def payloads() -> list[str]:
    found = list(BY_HAND)
    for path in sorted((DATA / "xss_bleach").glob("*.test")):
        found.append(path.read_text().partition("\n--\n")[0])
    for path in sorted((DATA / "payloads_patt").glob("xss_*.txt")):
        found += path.read_text(errors="replace").splitlines()
    return [text.strip()[:95] for text in found if text.strip()]


def shape(page: PageResponse) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and names of attributes: what a payload would add to, if it were markup."""
    soup = BeautifulSoup(page.get_data(as_text=True), "html.parser")
    for text in soup.select(".timeline-body"):
        text.clear()
    return [(element.name, tuple(sorted(element.attrs))) for element in soup.find_all(True)]


def is_harmless(page: PageResponse) -> None:
    for element in page.soup.find_all(True):
        for name, value in element.attrs.items():
            assert not name.startswith(("on", "hx-on")), (name, value)
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
                scheme = SCHEME.match(str(value).lower())
                assert scheme is None or scheme[1] in SCHEMES, value
        assert element.name not in ("iframe", "object", "embed", "base"), element
        assert MARK not in (element.string or "") or element.name != "script"


def test_claim_29_there_are_payloads() -> None:
    assert len(payloads()) >= len(BY_HAND)


def test_claim_29_fields_tags_and_search_are_text_everywhere(owner: PageClient, world: World) -> None:
    plain = world.add(first_name="a", last_name="b", company="c", job_title="d", city="e", tags="f", description="g")
    names = ("first_name", "last_name", "company", "job_title", "city", "tags", "description")
    columns = "?columns=company,job_title,city,tags,description"
    addresses = (
        "/leads/{}",
        "/leads/{}/edit",
        "/leads/{}/delete",
        "/leads/{}/fields/company/edit",
        "/leads/{}/move?to=lost",
    )
    expected = {address: shape(owner.get(address.format(plain))) for address in addresses}
    listed = shape(owner.get(f"/leads/{columns}"))
    world.delete(plain)
    for text in payloads()[:20]:
        typed = dict.fromkeys(names, text)
        typed["tags"] = text.replace(",", " ").replace(";", " ")[:50]
        lead = world.add(**typed)
        for address in addresses:
            page = owner.get(address.format(lead), check=False)
            is_harmless(page)
            assert shape(page) == expected[address], (address, text)
        page = owner.get(f"/leads/{columns}", check=False)
        is_harmless(page)
        assert shape(page) == listed, text
        is_harmless(owner.get("/leads/", query_string={"q": text, "tags": text}, check=False))
        assert (
            owner.get(f"/leads/{lead}", check=False).soup.h1.get_text(" ", strip=True).startswith(text.split()[0][:5])
        )
        world.delete(lead)


def test_claim_29_notes_are_sanitised(owner: PageClient, world: World) -> None:
    lead = world.add()
    for text in payloads():
        world.note(lead, text)
    page = owner.get(f"/leads/{lead}", check=False)
    while page is not None:
        is_harmless(page)
        assert page.soup.select(".timeline-body script, .timeline-body img, .timeline-body svg") == []
        older = page.soup.select_one("#timeline_items a[href*='before=']")
        page = owner.get(older["href"], check=False) if older else None


def test_claim_29_names_of_views_and_files_are_text(owner: PageClient, world: World) -> None:
    for text in payloads()[:15]:
        owner.submit("/leads/views", {"name": text[:60]}, check=False)
        is_harmless(owner.get("/leads/", check=False))
    assert owner.get("/leads/", check=False).soup.find(string=lambda found: found and MARK in found)


def test_claim_29_toasts_and_errors_are_text(owner: PageClient, world: World) -> None:
    for text in BY_HAND:
        answer = owner.submit(
            "/leads/", {"last_name": text, "email": text, "phone": text, "website": text}, check=False
        )
        assert answer.status_code == 422
        is_harmless(answer)
        saved = owner.fragment("/leads/", target="dialog", method="POST", data={"last_name": text}, check=False)
        is_harmless(saved)
        assert MARK in " ".join(saved.toasts)
        is_harmless(owner.get(f"/leads/{world.rows()[-1]['id']}/fields/{MARK}%3Cscript%3E", check=False))


def test_claim_29_a_stored_address_cannot_be_script(owner: PageClient, world: World) -> None:
    for text in (
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        " javascript:alert(1)",
        "vbscript:x",
    ):
        assert owner.submit("/leads/", {"last_name": "Doe", "website": text}).status_code == 422
    assert world.rows() == []
