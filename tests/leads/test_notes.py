from __future__ import annotations

from typing import Any

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestAddNote(Battery):
    path = "/leads/{id}/notes"
    method = "POST"
    form = {"body": "Called, *no* answer."}  # noqa: RUF012
    target = "timeline"
    as_page = 303
    invalid = {"body": "x" * 20_001}  # noqa: RUF012


class TestDeleteNote(Battery):
    path = "/leads/{id}/notes/{note_id}/delete"
    method = "POST"
    role = "owner"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        lead = world.add()
        return {"id": lead, "note_id": world.note(lead)}


def test_is_shown_in_the_timeline_as_markdown(owner: PageClient, world: World) -> None:
    lead = world.add()
    answer = owner.fragment(
        f"/leads/{lead}/notes", target="timeline", method="POST", data={"body": "Called, **no** answer.\r\n\r\n- one"}
    )
    body = answer.soup.select_one(".timeline-body")
    assert (body.strong.get_text(), body.li.get_text()) == ("no", "one")
    assert world.notes() == ["Called, **no** answer.\n\n- one"]
    assert world.event_types(lead) == ["created", "noted"]
    assert world.row(lead)["version"] == 1


@pytest.mark.parametrize("body", ["", "  \n ", "\x00\x01"])
def test_an_empty_one_is_refused(owner: PageClient, world: World, body: str) -> None:
    answer = owner.submit(f"/leads/{world.add()}/notes", {"body": body})
    assert answer.status_code == 422
    assert answer.problems == ["Write something first."]
    assert world.notes() == []


def test_its_author_deletes_it_and_the_timeline_keeps_that(as_role, world: World) -> None:
    agent, lead = as_role("agent"), world.add()
    agent.submit(f"/leads/{lead}/notes", {"body": "Mine."})
    delete = agent.get(f"/leads/{lead}").soup.select_one("form[action*='/notes/'][action$='/delete']")
    assert agent.submit(delete["action"]).status_code == 303
    assert world.notes() == []
    assert world.event_types(lead) == ["created", "noted", "note-deleted"]
    assert "Mine." not in agent.get(f"/leads/{lead}").get_data(as_text=True)


def test_an_agent_cannot_delete_somebody_elses(as_role, world: World) -> None:
    agent, lead = as_role("agent"), world.add()
    note = world.note(lead, "The owner's.")
    assert not agent.get(f"/leads/{lead}").soup.select("form[action$='/delete']")
    assert agent.submit(f"/leads/{lead}/notes/{note}/delete").status_code == 403
    assert world.notes() == ["The owner's."]
    assert as_role("manager").submit(f"/leads/{lead}/notes/{note}/delete").status_code == 303


def test_a_note_of_another_record_is_not_there(owner: PageClient, world: World) -> None:
    lead, other = world.add(), world.add()
    note = world.note(other)
    assert owner.submit(f"/leads/{lead}/notes/{note}/delete").status_code == 404
    assert world.notes() == ["A note."]
