"""Claim 29, for conversations: nothing said, quoted, attached or kept for replies becomes markup that does anything."""

from __future__ import annotations

import pytest

from app.tickets.actions.files import NewFile
from tests.claims.test_claim_29_xss import BY_HAND, is_harmless, payloads
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


def test_claim_29_replies_notes_and_mail_do_nothing(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add(subject=BY_HAND[0], requester_name=BY_HAND[1][:100])
    for text in payloads()[:60]:
        talk.receive(ticket, text, body_html=text, quoted_text=text, author_name=text[:80])
    page = owner.get(f"/tickets/{ticket}", check=False)
    for text in payloads()[60:110]:
        talk.receive(ticket, text, author_name=text[:80])
    for text in BY_HAND:
        talk.note(ticket, text)
        talk.reply(ticket, text)
    for answer in (page, owner.get(f"/tickets/{ticket}", check=False)):
        is_harmless(answer)
        assert (
            answer.soup.select(".message-body script, .message-body svg, .message-body form, .message-body style") == []
        )
        assert not [image["src"] for image in answer.soup.select(".message-body img[src]")]
        behaviours = answer.soup.select(".message-body [data-behaviour], .message-body [hx-get], .message-body [class]")
        assert behaviours == []


def test_claim_29_names_of_files_are_text(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add()
    files = [NewFile(text[:100] + ".txt", b"x") for text in BY_HAND]
    talk.receive(ticket, "Files", files=files)
    page = owner.get(f"/tickets/{ticket}", check=False)
    is_harmless(page)
    assert len(page.soup.select(".file-name")) == len(BY_HAND)


def test_claim_29_canned_replies_are_text(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add(subject="Help", requester_name=BY_HAND[1][:100])
    for number, text in enumerate(BY_HAND):
        if "{{" not in text:
            talk.canned(f"{number} {text}"[:80], f"{{{{requester_name}}}} {text}", category=text[:60])
    for answer in (
        owner.get("/canned-replies/", check=False),
        owner.get(f"/tickets/{ticket}/canned-replies", check=False),
        owner.fragment(f"/tickets/{ticket}/canned-replies", target="canned_results", check=False),
    ):
        is_harmless(answer)


def test_claim_29_what_is_refused_or_kept_is_text(owner: PageClient, talk: Talk) -> None:
    ticket = talk.world.add()
    for text in BY_HAND:
        answer = owner.submit(f"/tickets/{ticket}/messages", {"kind": "reply", "body": text, "cc": text}, check=False)
        assert answer.status_code == 422
        is_harmless(answer)
        owner.submit(f"/tickets/{ticket}/drafts", {"kind": "reply", "body": text, "cc": text}, check=False)
        page = owner.get(f"/tickets/{ticket}", check=False)
        is_harmless(page)
        assert page.soup.find("textarea", id="reply_body").get_text().strip() == text.strip()
