"""Claim 15, for replies: of two agents who answer in the same second the second is told, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.scope import Scope
from tests.support.clients import PageClient, PageResponse
from tests.support.talk import Talk
from tests.support.world import World


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


def typed(page: PageResponse) -> str:
    return str(page.soup.find("textarea", id="reply_body").get_text()).strip()


def seen(page: PageResponse) -> str:
    return str(page.soup.select_one("input[name=seen]")["value"])


def test_claim_15_the_second_sees_the_first_and_sends_all_the_same(
    as_role: Callable[..., PageClient], talk: Talk
) -> None:
    ticket = talk.world.add()
    agent, manager = as_role("agent"), as_role("manager")
    pages = {client: agent.get(f"/tickets/{ticket}") for client in (agent, manager)}
    form = {"kind": "reply", "seen": seen(pages[agent])}
    assert agent.submit(f"/tickets/{ticket}/messages", form | {"body": "Mine first."}).status_code == 303
    refused = manager.submit(f"/tickets/{ticket}/messages", form | {"body": "Mine second."})
    assert refused.status_code == 409
    assert "replied while you were writing" in refused.get_data(as_text=True)
    assert "Mine first." in refused.text_of(".crossing .message-body")
    assert typed(refused) == "Mine second."
    assert "Send anyway" in refused.texts("[data-editor-send]")[0]
    again = {"kind": "reply", "seen": seen(refused), "body": typed(refused)}
    assert manager.submit(f"/tickets/{ticket}/messages", again).status_code == 303
    assert [row["body"] for row in talk.messages(ticket)] == ["Mine first.", "Mine second."]


def test_claim_15_in_the_same_instant_one_is_sent_and_one_asked(as_role: Callable[..., PageClient], talk: Talk) -> None:
    ticket = talk.world.add()
    clients = [as_role("agent"), as_role("manager")]
    tokens = [client.csrf() for client in clients]

    def send(number: int) -> PageResponse:
        form = {"kind": "reply", "seen": "", "body": f"From {number}.", "csrf_token": tokens[number]}
        return clients[number].post(f"/tickets/{ticket}/messages", data=form)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(send, range(2)))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert typed(refused).startswith("From ")
    assert len(talk.messages(ticket)) == 1


def test_claim_15_what_was_taken_back_and_ones_own_cross_nothing(
    as_role: Callable[..., PageClient], talk: Talk, scope_in: Callable[..., Scope]
) -> None:
    ticket = talk.world.add()
    agent = scope_in("acme", "agent")
    mine = talk.reply(ticket, "Mine.", who=agent)
    theirs = talk.reply(ticket, "Never mind.")
    talk.withdraw(ticket, theirs)
    assert as_role("agent").submit(f"/tickets/{ticket}/messages", {"kind": "reply", "body": "More."}).status_code == 303
    assert [row["id"] for row in talk.messages(ticket)][:2] == [mine, theirs]


def test_claim_15_notes_never_wait(as_role: Callable[..., PageClient], talk: Talk) -> None:
    ticket = talk.world.add()
    talk.reply(ticket)
    assert as_role("agent").submit(f"/tickets/{ticket}/messages", {"kind": "note", "body": "Note."}).status_code == 303


def test_claim_15_what_just_left_is_still_asked_about(as_role: Callable[..., PageClient], talk: Talk) -> None:
    ticket = talk.world.add()
    talk.release(talk.reply(ticket))
    answer = as_role("agent").submit(f"/tickets/{ticket}/messages", {"kind": "reply", "body": "Mine."})
    assert answer.status_code == 409
