"""What is being written survives: on the server, for one person and ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.errors import Conflict
from app.core.scope import Scope
from jobs import conversation as jobs
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World


class TestSaveDraft(Battery):
    path = "/tickets/{id}/drafts"
    method = "POST"
    form = {"kind": "note", "body": "I am writ"}  # noqa: RUF012
    as_page = 303


class TestDeleteDraft(Battery):
    path = "/tickets/{id}/drafts/delete"
    method = "POST"
    target = "conversation"
    as_page = 303


def shown(client: PageClient, ticket: Any) -> str:
    return client.get(f"/tickets/{ticket}").soup.find("textarea", id="reply_body").get_text().removeprefix("\n")


def test_a_draft_is_there_on_another_device_and_for_nobody_else(
    as_role: Callable[..., PageClient], owner: PageClient, world: World
) -> None:
    ticket = world.add()
    as_role("agent").submit(f"/tickets/{ticket}/drafts", {"kind": "note", "body": "I am writ", "cc": ""})
    page = as_role("agent").get(f"/tickets/{ticket}")
    assert page.soup.find("textarea", id="reply_body").get_text().strip() == "I am writ"
    assert page.soup.find("input", {"name": "kind", "value": "note"}).has_attr("checked")
    assert shown(owner, ticket) == ""


def test_what_was_sent_is_no_draft(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    agent.submit(f"/tickets/{ticket}/drafts", {"kind": "note", "body": "I am writing"})
    agent.submit(f"/tickets/{ticket}/messages", {"kind": "note", "body": "I am writing this"})
    assert talk.drafts(ticket) == []
    assert shown(agent, ticket) == ""


def test_nothing_typed_is_no_draft(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    for body in ("text", " \n "):
        agent.submit(f"/tickets/{ticket}/drafts", {"kind": "reply", "body": body})
    assert talk.drafts(ticket) == []


def test_two_tabs_overwrite_nothing_in_silence(talk: Talk, world: World) -> None:
    ticket = world.add()
    talk.draft(ticket, "first tab", version=0)
    with pytest.raises(Conflict) as conflict:
        talk.draft(ticket, "second tab", version=0)
    assert conflict.value.theirs == {"body": "first tab"}
    assert talk.drafts(ticket)[0]["body"] == "first tab"


def test_two_tabs_that_begin_at_once_are_told(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    first = {"kind": "reply", "body": "first tab", "draft_version": "0"}
    assert agent.submit(f"/tickets/{ticket}/drafts", first).status_code == 303
    second = agent.submit(f"/tickets/{ticket}/drafts", first | {"body": "second tab"})
    assert second.status_code == 409
    assert [draft["body"] for draft in talk.drafts(ticket)] == ["first tab"]


def test_throwing_it_away_takes_its_files(agent: PageClient, talk: Talk, world: World, scope_in: Any) -> None:
    ticket = world.add()
    talk.upload(ticket, who=scope_in("acme", "agent"))
    agent.submit(f"/tickets/{ticket}/drafts", {"kind": "note", "body": "no"})
    agent.submit(f"/tickets/{ticket}/drafts/delete")
    assert (talk.drafts(ticket), talk.files(ticket)) == ([], [])


def test_drafts_of_a_month_ago_go(talk: Talk, world: World, app: Any, admin: Any, acme: Scope) -> None:
    old, new = world.add(), world.add()
    talk.draft(old)
    talk.draft(new)
    admin.execute("update ticket_drafts set updated_at = now() - interval '31 days' where ticket_id = %s", (old,))
    with app.app_context():
        jobs.purge()
    assert talk.drafts(old) == []
    assert len(talk.drafts(new)) == 1


def test_a_draft_that_is_too_long_is_refused_with_a_sentence(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    answer = agent.submit(f"/tickets/{ticket}/drafts", {"kind": "reply", "body": "x" * 50_001})
    assert answer.status_code == 422
    assert talk.drafts(ticket) == []
