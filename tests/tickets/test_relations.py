"""Merging and taking apart again, splitting, linking; resolved tickets that are closed after their time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.records import actions
from app.core.records import queries as records
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions import closing, relating
from app.tickets.actions.conversation import remember_words
from app.tickets.actions.conversation.leaving import release
from app.tickets.actions.conversation.receiving import Received, receive
from app.tickets.actions.conversation.replying import reply
from app.tickets.actions.desk import change_desk
from app.tickets.definition import TICKETS
from app.tickets.models import Ticket, TicketMessage
from app.tickets.queries import relations
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class OfTicket(Battery):
    path = "/tickets/{id}/merge"
    target = "dialog"

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.add(subject="Help")}


class TestAskMerge(OfTicket):
    pass


class TestNewLink(OfTicket):
    path = "/tickets/{id}/links/new"


class TestAskSplit(OfTicket):
    path = "/tickets/{id}/split"


class Writes(OfTicket):
    method = "POST"
    as_page = 303
    as_fragment = 204
    invalid = {"number": "12x"}  # noqa: RUF012

    def typed(self, world: World, ids: Any) -> dict[str, Any]:
        return {"number": f"#{world.row(world.add(subject='Other'))['number']}", **self.form}


class TestMerge(Writes):
    pass


class TestAddLink(Writes):
    path = "/tickets/{id}/links"
    form = {"kind": "duplicate"}  # noqa: RUF012


class TestUndoMerge(Battery):
    path = "/tickets/{id}/merge/undo"
    method = "POST"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        one, other = world.add(subject="One"), world.add(subject="Other")
        with world.inside(world.scope):
            relating.merge(world.scope, one, other)
        return {"id": one}


class TestDeleteLink(Battery):
    path = "/tickets/{id}/links/{link_id}/delete"
    method = "POST"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        one, other = world.add(subject="One"), world.add(subject="Other")
        with world.inside(world.scope):
            return {"id": one, "link_id": relating.link(world.scope, one, other, "related").id}


del OfTicket, Writes


@pytest.fixture
def two(world: World) -> tuple[UUID, UUID]:
    return world.add(subject="Printer on fire"), world.add(subject="Smoke from the printer")


def number(world: World, ticket: UUID) -> int:
    return int(world.row(ticket)["number"])


def merge(world: World, source: UUID, target: UUID) -> None:
    with world.inside(world.scope):
        relating.merge(world.scope, source, target)


def undo(world: World, source: UUID) -> None:
    with world.inside(world.scope):
        relating.undo_merge(world.scope, source)


def say(world: World, ticket: UUID, body: str, state: str = "received") -> UUID:
    with world.inside(world.scope):
        row = TicketMessage(
            tenant_id=world.scope.tenant_id, id=new_id(), ticket_id=ticket, kind="customer", author_name="Ida",
            body=body, channel="web", state=state, recipients={}, created_at=world.scope.now,
            updated_at=world.scope.now, version=1,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        remember_words(db.session.get_one(Ticket, (world.scope.tenant_id, ticket)), body)
        return row.id


def found(client: PageClient, q: str) -> list[str]:
    """The subjects of the tickets that a search finds."""
    return [title.partition(" ")[2] for title in client.get(f"/tickets/?q={q}").texts("[data-row-link]")]


def test_the_requesters_other_tickets_are_beside_it_and_offered_to_merge_into(agent: PageClient, world: World) -> None:
    mine = world.add(subject="Printer on fire", requester_name="Ida", requester_email="Ida@Example.com")
    world.add(subject="Somebody else's", requester_email="bo@example.com")
    world.add(subject="Nobody's")
    others = [world.add(subject=f"Older {n}", requester_email="ida@example.com") for n in range(6)]
    page = agent.get(f"/tickets/{mine}")
    shown = [text.partition(" ")[2] for text in page.texts("#related a")]
    assert shown == ["Older 5", "Older 4", "Older 3", "Older 2", "Older 1", "of them"], "the newest, and a way to all"
    every = page.soup.select("#related a")[-1]["href"]
    assert len(agent.get(str(every).removeprefix("/t/acme")).soup.select("[data-row]")) == 7
    merge(world, others[5], others[0])
    agent.submit(f"/tickets/{others[4]}/move", {"to": "closed", "version": "1"})
    form = agent.get(f"/tickets/{mine}/merge").soup.select("main form.inline-form")[0]
    field = form.select_one("[name=number]")
    assert field is not None
    assert int(str(field["value"])) == number(world, others[3]), "neither one that was merged nor a closed one"
    answer = agent.submit(f"/tickets/{mine}/merge", {"number": str(field["value"])})
    assert answer.headers["Location"].endswith(f"/tickets/{others[3]}")


def test_nobody_sees_others_of_a_requester_who_are_not_theirs(agent: PageClient, world: World) -> None:
    mine = world.add(subject="Without an address")
    world.add(subject="Another without one")
    assert agent.get(f"/tickets/{mine}").texts("#related a") == []


def test_merging_closes_one_and_shows_both_sides(agent: PageClient, world: World, two: tuple[UUID, UUID]) -> None:
    source, target = two
    answer = agent.submit(f"/tickets/{source}/merge", {"number": str(number(world, target))})
    assert answer.headers["Location"].endswith(f"/tickets/{target}")
    row = world.row(source)
    assert (row["status"], row["merged_into_id"]) == ("closed", target)
    assert "Merged into this" in agent.get(f"/tickets/{target}").texts(".related")[0]
    assert "Merged into" in agent.get(f"/tickets/{source}").texts(".related")[0]
    assert "merged" in world.event_types(source)
    assert "absorbed" in world.event_types(target)


@pytest.mark.parametrize("way", [(), ("open",), ("open", "pending"), ("open", "on_hold"), ("resolved",), ("closed",)])
def test_undoing_restores_exactly_what_was(world: World, two: tuple[UUID, UUID], way: tuple[str, ...]) -> None:
    source, target = two
    for step in way:
        world.move(source, step)
    kept = {"version", "updated_at"}
    before = {name: value for name, value in world.row(source).items() if name not in kept}
    other = world.row(target)
    merge(world, source, target)
    undo(world, source)
    assert {name: value for name, value in world.row(source).items() if name not in kept} == before
    assert world.row(target) == other


def test_undoing_twice_is_refused_with_a_sentence(agent: PageClient, world: World, two: tuple[UUID, UUID]) -> None:
    merge(world, *two)
    for _ in range(2):
        assert agent.submit(f"/tickets/{two[0]}/merge/undo").status_code == 303
    assert "undone already" in agent.get(f"/tickets/{two[0]}").text
    with pytest.raises(Conflict):
        undo(world, two[0])


def test_a_merged_ticket_s_messages_are_shown_in_the_other(
    agent: PageClient, world: World, two: tuple[UUID, UUID]
) -> None:
    say(world, two[0], "It smells of smoke.")
    assert "It smells of smoke." not in agent.get(f"/tickets/{two[1]}").text
    merge(world, *two)
    assert "It smells of smoke." in agent.get(f"/tickets/{two[1]}").text
    undo(world, two[0])
    assert "It smells of smoke." not in agent.get(f"/tickets/{two[1]}").text


def test_after_undoing_it_can_be_merged_elsewhere(world: World, two: tuple[UUID, UUID]) -> None:
    third = world.add(subject="Third")
    merge(world, *two)
    undo(world, two[0])
    merge(world, two[0], third)
    assert world.row(two[0])["merged_into_id"] == third


def test_what_cannot_be_merged(world: World, two: tuple[UUID, UUID]) -> None:
    source, target = two
    third = world.add(subject="Third")
    with pytest.raises(Invalid, match="into itself"):
        merge(world, source, source)
    merge(world, source, target)
    with pytest.raises(Invalid, match=f"part of #{number(world, target)} now"):
        merge(world, source, third)
    with pytest.raises(Invalid, match=f"part of #{number(world, target)} now"):
        merge(world, third, source)


def test_a_foreign_ticket_is_none(agent: PageClient, world: World, globex_world: World) -> None:
    for _ in range(3):
        foreign = globex_world.add(subject="Foreign")
    ticket = world.add(subject="Help")
    answer = agent.submit(f"/tickets/{ticket}/merge", {"number": str(number(globex_world, foreign))})
    assert answer.status_code == 422
    assert f"There is no ticket #{number(globex_world, foreign)}" in answer.problems[0]
    assert world.row(ticket)["status"] == "new"


@pytest.mark.parametrize("typed", ["", "0", "-1", "12x", "9" * 18, "9" * 30, "٣", "1\x00", "<b>"])
def test_a_number_that_is_none(agent: PageClient, two: tuple[UUID, UUID], typed: str) -> None:
    for path in ("merge", "links"):
        answer = agent.submit(f"/tickets/{two[0]}/{path}", {"number": typed})
        assert answer.status_code == 422
        assert answer.problems


def test_chains_are_followed_to_their_end(world: World, two: tuple[UUID, UUID]) -> None:
    first, second = two
    third = world.add(subject="Third")
    merge(world, first, second)
    merge(world, second, third)
    with world.inside(world.scope):
        assert set(relations.list_merged_ids(world.scope, third)) == {first, second}
        one = db.session.get_one(Ticket, (world.scope.tenant_id, first))
        assert relations.find_final(one).id == third
    undo(world, second)
    with world.inside(world.scope):
        assert relations.list_merged_ids(world.scope, third) == []
        assert relations.list_merged_ids(world.scope, second) == [first]


def test_a_merged_ticket_is_not_opened_by_hand(world: World, two: tuple[UUID, UUID]) -> None:
    merge(world, *two)
    with pytest.raises(Invalid, match="merged into another"):
        world.move(two[0], "open")


def test_many_go_into_the_oldest_or_none_does(world: World) -> None:
    oldest, *rest = world.add_many([{"subject": f"Help {n}"} for n in range(4)])
    with world.inside(world.scope):
        into, count = relating.merge_all(world.scope, [*rest, oldest])
        assert (into.id, count) == (oldest, 3)
    other, another = world.add_many([{"subject": "a"}, {"subject": "b"}])
    with world.inside(world.scope), pytest.raises(Invalid):
        relating.merge_all(world.scope, [other, another, rest[0]])
    assert world.row(another)["merged_into_id"] is None
    assert world.row(other)["merged_into_id"] is None


def test_merging_what_is_selected(owner: PageClient, world: World) -> None:
    oldest, *rest = world.add_many([{"subject": f"Help {n}"} for n in range(3)])
    form = {"action": "merge", "ids": [str(one) for one in (*rest, oldest)]}
    assert owner.submit("/tickets/bulk?queue=all", form).status_code == 303
    assert [world.row(one)["merged_into_id"] for one in rest] == [oldest, oldest]
    assert f"2 tickets merged into #{number(world, oldest)}" in owner.get("/tickets/?queue=all").text
    owner.submit("/tickets/bulk?queue=all", {"action": "merge", "ids": [str(oldest)]})
    assert "Select two to 50 tickets" in owner.get("/tickets/?queue=all").text


def test_links_show_both_sides_and_go_both_ways(agent: PageClient, world: World, two: tuple[UUID, UUID]) -> None:
    one, other = two
    form = {"number": f"#{number(world, other)}", "kind": "duplicate"}
    for _ in range(2):
        assert agent.submit(f"/tickets/{one}/links", form).status_code == 303
    assert agent.get(f"/tickets/{one}").texts(".related-words") == ["Its duplicate"]
    assert agent.get(f"/tickets/{other}").texts(".related-words") == ["Duplicate of"]
    page = agent.get(f"/tickets/{other}")
    delete = page.soup.select_one(".related form")
    assert delete is not None
    assert agent.submit(str(delete["action"])).status_code == 303
    assert agent.get(f"/tickets/{one}").texts(".related-words") == []
    assert world.event_types(other)[-2:] == ["linked", "unlinked"]


def test_links_in_a_ring_are_fine(agent: PageClient, world: World) -> None:
    ring = world.add_many([{"subject": f"Help {n}"} for n in range(3)])
    with world.inside(world.scope):
        for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
            relating.link(world.scope, one, other, "related")
    assert len(agent.get(f"/tickets/{ring[0]}").texts(".related-words")) == 2


@pytest.mark.parametrize("kind", ["split-back", "x", "<b>"])
def test_a_link_of_no_kind(agent: PageClient, world: World, two: tuple[UUID, UUID], kind: str) -> None:
    answer = agent.submit(f"/tickets/{two[0]}/links", {"number": str(number(world, two[1])), "kind": kind})
    assert answer.status_code == 422


def test_splitting_takes_messages_along_and_links(agent: PageClient, world: World) -> None:
    ticket = world.add(subject="Two things", requester_email="ida@example.com", priority="high")
    say(world, ticket, "The first thing.")
    second = say(world, ticket, "And a second thing.")
    assert len(agent.get(f"/tickets/{ticket}/split").soup.select("[name=messages]")) == 2
    answer = agent.submit(f"/tickets/{ticket}/split", {"messages": str(second), "subject": "A second thing"})
    made = UUID(answer.headers["Location"].rpartition("/")[2])
    row = world.row(made)
    assert (row["subject"], row["requester_email"], row["priority"]) == ("A second thing", "ida@example.com", "high")
    with world.inside(world.scope):
        assert [one.id for one in relations.list_messages_of(world.scope, made)] == [second]
    assert found(agent, "second") == ["A second thing"], "words go with their messages"
    assert found(agent, "first") == ["Two things"]
    assert agent.get(f"/tickets/{made}").texts(".related-words") == ["Split off from"]
    assert agent.get(f"/tickets/{ticket}").texts(".related-words") == ["Split off from this"]


@pytest.mark.parametrize(
    ("state", "chosen"),
    [("held", "own"), ("queued", "own"), ("received", "none"), ("received", "foreign"), ("received", "bad")],
)
def test_what_cannot_be_split(agent: PageClient, world: World, state: str, chosen: str) -> None:
    ticket, other = world.add(subject="One"), world.add(subject="Other")
    ids = {"own": say(world, ticket, "Hello", state), "foreign": say(world, other, "Hello")}
    form = {"messages": str(ids.get(chosen, "nonsense"))} if chosen != "none" else {}
    answer = agent.submit(f"/tickets/{ticket}/split", form | {"subject": "Kept words"})
    assert answer.status_code == 422
    assert answer.problems
    assert 'value="Kept words"' in answer.text
    assert len(world.rows()) == 2


def test_what_is_out_of_sight_is_not_related(
    as_custom_role: Callable[..., PageClient], world: World, two: tuple[UUID, UUID]
) -> None:
    with world.inside(world.scope):
        relating.link(world.scope, *two, "related")
    someone = as_custom_role({"ticket:read", "ticket:update"}, {"ticket": ("own", "own")})
    world.change(two[0], owner_id=someone.user_id)
    assert someone.get(f"/tickets/{two[0]}").texts(".related-words") == []
    answer = someone.submit(f"/tickets/{two[0]}/merge", {"number": str(number(world, two[1]))})
    assert answer.status_code == 422


def test_resolved_tickets_close_after_their_time_and_once(
    world: World, acme: Scope, inside: Callable[..., Any]
) -> None:
    ticket, fresh = world.add(subject="Old"), world.add(subject="Fresh")
    world.move(ticket, "resolved")
    at = world.row(ticket)["resolved_at"]

    def close(days: float) -> int:
        with inside(acme):
            return closing.close_resolved(replace(acme, now=at + timedelta(days=days)))

    assert close(6.99) == 0
    assert close(7.01) == 1
    assert close(7.01) == 0
    assert (world.row(ticket)["status"], world.row(fresh)["status"]) == ("closed", "new")
    assert world.row(ticket)["closed_at"] is not None


def test_zero_days_closes_nothing(world: World, acme: Scope, inside: Callable[..., Any]) -> None:
    ticket = world.add(subject="Old")
    world.move(ticket, "resolved")
    with inside(acme):
        change_desk(acme, 0, {"close_days": 0})
    with inside(acme):
        assert closing.close_resolved(replace(acme, now=acme.now + timedelta(days=400))) == 0


def test_a_ticket_by_its_number_is_found_as_any_other(world: World, acme: Scope, inside: Callable[..., Any]) -> None:
    ticket = world.add(subject="Help")
    with inside(acme):
        found = relations.find_by_number(acme, number(world, ticket))
        assert found is not None
        assert found.id == records.get_record(acme, TICKETS, ticket).id == queries.get_ticket(acme, ticket).id


def test_what_others_were_merged_into_or_follow_can_be_removed_for_good(world: World, two: tuple[UUID, UUID]) -> None:
    source, target = two
    merge(world, source, target)
    follower = world.add(subject="Later")
    with world.inside(world.scope):
        db.session.get_one(Ticket, (world.scope.tenant_id, follower)).follows_id = target
    world.delete(target)
    with world.inside(world.scope):
        later = replace(world.scope, now=world.scope.now + timedelta(days=31))
        assert actions.purge_deleted(later) == 1
    assert world.row(source)["merged_into_id"] is None
    assert world.row(follower)["follows_id"] is None


def test_writing_to_a_ticket_that_went_into_a_deleted_one_begins_a_new_one(
    world: World, two: tuple[UUID, UUID]
) -> None:
    source, target = two
    merge(world, source, target)
    world.delete(target)
    with world.inside(world.scope):
        ticket = db.session.get_one(Ticket, (world.scope.tenant_id, source))
        message = receive(world.scope, ticket, Received("Are you there?", "Ida", "ida@example.com"))
        made = db.session.get_one(Ticket, (world.scope.tenant_id, message.ticket_id))
        assert (made.follows_id, made.status) == (source, "new")
    assert world.row(source)["status"] == "closed"


def test_a_reply_that_was_to_reopen_leaves_though_the_ticket_was_merged_meanwhile(
    world: World, two: tuple[UUID, UUID]
) -> None:
    source, target = two
    world.move(source, "pending")
    with world.inside(world.scope):
        held = reply(world.scope, source, "We look into it.", status="open")
        assert held.state == "held"
        held_id = held.id
    merge(world, source, target)
    with world.inside(world.scope):
        assert release(replace(world.scope, now=world.scope.now + timedelta(minutes=2)), held_id)
    assert world.row(source)["status"] == "closed"
