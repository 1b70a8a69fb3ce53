"""A conversation in a real browser: nothing in it runs or loads (claim 29), and everybody can use it (axe)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.tickets.actions.files import NewFile
from tests.claims.test_claim_29_xss import BY_HAND, payloads
from tests.journeys.conftest import Person
from tests.journeys.talking import talk_of
from tests.journeys.test_accessibility import PLACES, violations
from tests.journeys.test_two_agents import write
from tests.support.site import Site
from tests.tickets.test_files import GIF


def hostile_ticket(site: Site) -> UUID:
    """A conversation of nothing but attacks: in bodies, HTML, quotes, names of people and files, texts for replies."""
    with talk_of(site) as talk:
        ticket = talk.world.add(subject=BY_HAND[0], description=BY_HAND[1], requester_name=BY_HAND[2][:100])
        for text in payloads()[:80]:
            files = [NewFile(text[:80] + ".svg", text.encode(), "image/svg+xml"), NewFile("x.html", text.encode())]
            talk.receive(ticket, text, body_html=text, quoted_text=text, author_name=text[:80], files=files)
        for text in BY_HAND:
            talk.note(ticket, text)
            if "{{" not in text:
                talk.canned(text[:80], text)
        talk.draft(ticket, BY_HAND[4], kind="note")
    return ticket


def test_claim_29_a_conversation_of_attacks_does_nothing(site: Site, person: Callable[..., Person]) -> None:
    someone = person("owner")
    page = someone.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    ticket = hostile_ticket(site)
    someone.visit(f"/tickets/{ticket}")
    for summary in page.locator(".quoted > summary").all()[:20]:
        summary.click()
    page.locator(".file a").first.hover()
    earlier = page.get_by_role("link", name="Show earlier")
    if earlier.count():
        earlier.click()
        expect(page.locator(".message")).not_to_have_count(0)
    page.locator("#reply_body").fill("")
    page.locator("#reply_body").press("/")
    expect(page.locator("[data-canned]").first).to_be_visible()
    page.locator("#canned_q").press("Enter")
    page.wait_for_load_state("networkidle")
    home = urlsplit(site.url()).netloc
    assert [url for url in asked if urlsplit(url).netloc != home] == []
    assert page.url.startswith(site.url())


def full_ticket(site: Site) -> UUID:
    with talk_of(site) as talk:
        ticket = talk.world.add(subject="Printer", description="It **burns**.", requester_email="john@doe.example")
        talk.release(talk.reply(ticket, "On it.", files=[talk.upload(ticket, GIF, "stamp.gif"), talk.upload(ticket)]))
        talk.receive(ticket, "Thanks", quoted_text="> On it.", author_email="john@doe.example", later=70)
        talk.note(ticket, "For us: `code`, [link](https://example.com) and\n\n> a quote")
        talk.canned("Restart", "Please restart it.")
        talk.upload(ticket, name="waits.txt")
        talk.draft(ticket, "I am writ")
    return ticket


@pytest.mark.parametrize(("width", "theme"), PLACES)
def test_no_violation_in_a_conversation(site: Site, person: Callable[..., Person], width: int, theme: str) -> None:
    someone = person("owner", width=width, theme=theme)
    ticket = full_ticket(site)
    # High enough for all of it: at a fold the column beside, which stays in place, has links cut in half.
    someone.page.set_viewport_size({"width": width, "height": 2600})
    page = someone.visit(f"/tickets/{ticket}")
    problems = {"ticket": violations(page)}
    page.locator("label.editor-kind").filter(has_text="Internal note").click()
    page.locator(".canned > summary").click()
    expect(page.locator("[data-canned]")).to_have_count(1)
    problems["note and canned replies"] = violations(page)
    page.keyboard.press("Escape")
    page.locator("label.editor-kind").filter(has_text="Reply to").click()
    write(page, "Leaves in a moment").press("Control+Enter")
    expect(page.locator(".message.is-held")).to_be_visible()
    problems["held"] = violations(page)
    refused(page)
    problems["refused"] = violations(page)
    for path in (
        f"/tickets/{ticket}/messages",
        f"/tickets/{ticket}/canned-replies",
        "/canned-replies",
        "/canned-replies/new",
    ):
        problems[path] = violations(someone.visit(path))
    assert not [f"{where}: {what}" for where, found in problems.items() for what in found]


def refused(page: Page) -> None:
    page.locator(".editor-copies > summary").click()
    page.fill("#reply_cc", "nobody")
    page.locator("#reply_body").fill("To nobody")
    page.locator("[data-editor-send]").click()
    expect(page.locator("#reply-errors")).to_be_visible()
