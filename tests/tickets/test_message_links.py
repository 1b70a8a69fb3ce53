"""A link to a message opens the page that holds it, however long ago it was said and wherever it went."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.core.clock import new_id
from app.extensions import db
from app.tickets.actions import relating
from app.tickets.models import TicketMessage
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World


class TestShowMessage(Battery):
    path = "/tickets/{ticket_id}/messages/{message_id}"
    as_page = 303
    viewer_may = True

    def ids(self, world: World) -> dict[str, Any]:
        ticket = world.add(subject="Printer on fire")
        return {"ticket_id": ticket, "message_id": Talk(world).note(ticket)}


def say(world: World, ticket: UUID, count: int) -> list[UUID]:
    """So many messages, the first ones oldest."""
    with world.inside(world.scope):
        rows = [
            TicketMessage(
                tenant_id=world.scope.tenant_id, id=new_id(), ticket_id=ticket, kind="customer", author_name="Ida",
                body=f"Message {number}", channel="web", state="received", recipients={},
                created_at=world.scope.now, updated_at=world.scope.now, version=1,
            )
            for number in range(count)
        ]  # fmt: skip
        ids = [row.id for row in rows]
        db.session.add_all(rows)
    return ids


@pytest.mark.parametrize("later", [0, 10, 49, 50, 120, 199, 200, 260])
def test_a_message_with_so_many_after_it(agent: PageClient, world: World, later: int) -> None:
    ticket = world.add(subject="Printer on fire", description="It all began here.")
    message = say(world, ticket, 60 + later + 1)[60]
    answer = agent.get(f"/tickets/{ticket}/messages/{message}")
    where = urlsplit(answer.headers["Location"])
    assert where.fragment == f"m-{message}"
    page = agent.get(f"{where.path}?{where.query}".removeprefix("/t/acme"))
    assert page.soup.select_one(f"#m-{message}"), "the page holds it"
    earlier = page.soup.find("a", string="Show earlier")
    assert earlier, "sixty messages stand before it"
    before = agent.get(str(earlier["href"]).removeprefix("/t/acme"))
    texts = before.texts(".message-body")
    oldest_shown = page.texts(".message-body")[0]
    assert f"Message {int(oldest_shown.split()[-1]) - 1}" in texts, "nothing is left out between the two"
    newest = f"Message {60 + later}" in page.texts(".message-body")
    assert newest or page.soup.find("a", string="Show the newest")


def test_a_message_that_was_split_off_or_merged_in(agent: PageClient, world: World) -> None:
    ticket, other = world.add(subject="Two things"), world.add(subject="Another")
    _, second = say(world, ticket, 2)
    with world.inside(world.scope):
        made = relating.split(world.scope, ticket, [second], "A second thing").id
    link = f"/tickets/{ticket}/messages/{second}"
    assert agent.get(link).headers["Location"].endswith(f"/tickets/{made}#m-{second}")
    with world.inside(world.scope):
        relating.merge(world.scope, made, other)
    shown = agent.get(f"/tickets/{other}").soup.select_one(f"#m-{second} .message-time")
    assert shown is not None
    assert (
        agent.get(str(shown["href"]).removeprefix("/t/acme"))
        .headers["Location"]
        .endswith(f"/tickets/{other}#m-{second}")
    )


def test_a_notice_leads_to_what_was_said(as_role: Any, world: World) -> None:
    ticket = world.add(subject="Printer on fire")
    note = Talk(world).note(ticket, "@Mary please look")
    manager = as_role("manager")
    answer = manager.get("/notices/")
    form = answer.soup.select_one("main form[action$='/open']")
    assert form is not None
    opened = manager.submit(str(form["action"]).removeprefix("/t/acme"))
    place = manager.get(urlsplit(opened.headers["Location"]).path.removeprefix("/t/acme"))
    assert place.headers["Location"].endswith(f"/tickets/{ticket}#m-{note}")
