"""Claim 31: files of tickets. What is sent cannot hurt who keeps it, what is downloaded cannot hurt who reads it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from app.core.errors import Invalid, NotFound
from app.core.scope import Scope
from app.gateways.files import links
from tests.gateways.files.test_content import packed_flood, picture
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World
from tests.tickets.test_files import GIF, link_of, sent_file


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


def test_claim_31_limits_are_sentences(agent: PageClient, talk: Talk, inside: Any, acme: Scope) -> None:
    ticket = talk.world.add()
    large = io.BytesIO(b"x" * (26 * 2**20))
    answer = agent.submit(f"/tickets/{ticket}/files", {"file": (large, "large.bin")})
    assert answer.status_code == 413
    assert "larger than 25 MB" in answer.get_data(as_text=True)
    for number in range(20):
        talk.upload(ticket, b"x", f"{number}.txt")
    with pytest.raises(Invalid, match="can have 20 files"):
        talk.upload(ticket)


def test_claim_31_links_are_signed_for_one_reader_and_expire(
    agent: PageClient, owner: PageClient, stranger: PageClient, client: PageClient, talk: Talk, app: Any,
    inside: Any, acme: Scope,
) -> None:  # fmt: skip
    ticket = talk.world.add()
    file = sent_file(talk, ticket, b"secret", "a.txt")
    link = link_of(agent, ticket)
    assert agent.get(link).status_code == 200
    assert owner.get(link).status_code == 404, "another reader's link"
    assert stranger.get(link).status_code == 404
    assert client.get(link).status_code == 303, "signed out"
    for none in ("", "?key="):
        assert agent.get(f"/files/{file}{none}").status_code == 303, "back to the page that makes links"
    for broken in ("?key=x", f"?key={link.partition('key=')[2]}x"):
        assert agent.get(f"/files/{file}{broken}").status_code == 404, broken
    other = sent_file(talk, ticket, b"other", "b.txt")
    assert agent.get(f"/files/{other}?key={link.partition('key=')[2]}").status_code == 404, "another file's link"
    with inside(acme), pytest.raises(links.LinkExpired):
        links.check(acme, file, links.sign(acme, file), seconds=-1)
    with inside(acme), pytest.raises(NotFound):
        links.check(acme, other, links.sign(acme, file))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<script>alert(1)</script>", "x.html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.svg"),
        (b"<?xml version='1.0'?><x/>", "x.xml"),
        (b"%PDF-1.7", "x.pdf"),
        (b"GIF89a/*<script>alert(1)</script>*/", "x.html"),
        (b"alert(1)", "x.js"),
        (packed_flood(7_000), "flood.png"),
        (picture(0, 0), "x.png"),
    ],
)
def test_claim_31_what_could_run_is_a_download_of_no_type(
    owner: PageClient, talk: Talk, content: bytes, name: str
) -> None:
    ticket = talk.world.add()
    sent_file(talk, ticket, content, name)
    page = owner.get(f"/tickets/{ticket}")
    assert page.soup.select(".message .file img") == []
    answer = owner.get(link_of(owner, ticket))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype in ("application/octet-stream", "image/gif")
    assert answer.get_data() == content


def test_claim_31_a_picture_is_shown_and_nothing_else(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add()
    sent_file(talk, ticket, GIF, "x.exe.gif")
    assert owner.get(f"/tickets/{ticket}").soup.select_one(".message .file img") is not None
    answer = owner.get(link_of(owner, ticket))
    assert answer.mimetype == "image/gif"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_claim_31_names_cannot_lead_or_break(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add()
    for name in (
        "../../x.txt",
        'a"\r\nSet-Cookie: x=1.txt',
        "\u202egnp.txt",
        "漢" * 300 + ".txt",
        "<img onerror=1>.txt",
    ):
        sent_file(talk, ticket, b"x", name)
    for address in owner.get(f"/tickets/{ticket}").soup.select(".message .file a"):
        answer = owner.get(address["href"].removeprefix("/t/acme"))
        told = answer.headers["Content-Disposition"]
        assert "Set-Cookie" not in answer.headers
        assert not {"/", "\\", "\r", "\n", "\u202e"} & set(told.removeprefix("attachment"))
