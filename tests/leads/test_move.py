from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.core.records import actions
from app.leads import rules
from app.leads.definition import LEADS
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World

ALL = [value for value, _, _ in rules.STATUSES]
PAIRS = [(before, after) for before in ALL for after in ALL if before != after]
ALLOWED = [(before, after) for before, after in PAIRS if after in rules.MOVES[before]]
REFUSED = [pair for pair in PAIRS if pair not in ALLOWED]
WAYS = {
    "new": (),
    "contacted": ("contacted",),
    "qualified": ("qualified",),
    "converted": ("qualified", "converted"),
    "nurturing": ("nurturing",),
    "unqualified": ("unqualified",),
    "lost": ("lost",),
}


class TestAskMove(Battery):
    path = "/leads/{id}/move?to=lost"
    target = "dialog"


class TestMove(Battery):
    path = "/leads/{id}/move"
    method = "POST"
    form = {"to": "contacted", "version": 0}  # noqa: RUF012
    target = "dialog"
    as_page = 303
    invalid = {"to": "lost", "reason": ""}  # noqa: RUF012


def lead_in(world: World, status: str) -> UUID:
    lead = world.add()
    for step in WAYS[status]:
        world.move(lead, step, "Because." if step in rules.REASONED else "")
    return lead


def test_the_table_of_moves_is_the_issues() -> None:
    """Forward; aside to nurturing; out with a reason; back in from anywhere but converted."""
    assert rules.MOVES["converted"] == ()
    assert {"unqualified", "lost"} == set(rules.REASONED)
    assert all("lost" in rules.MOVES[status] for status in ("new", "contacted", "qualified", "nurturing"))
    assert set(rules.MOVES) == set(ALL)


@pytest.mark.parametrize(("before", "after"), ALLOWED)
def test_allowed(owner: PageClient, world: World, before: str, after: str) -> None:
    lead = lead_in(world, before)
    version = world.row(lead)["version"]
    form = {"to": after, "version": str(version), "reason": "No budget."}
    assert owner.submit(f"/leads/{lead}/move", form).status_code == 303
    assert (world.row(lead)["status"], world.row(lead)["version"]) == (after, version + 1)
    event = world.events(lead)[-1]
    assert event.type == "lead.moved"
    assert {name: event.data[name] for name in ("before", "after", "reason")} == {
        "before": before,
        "after": after,
        "reason": "No budget.",
    }


@pytest.mark.parametrize(("before", "after"), REFUSED)
def test_refused(owner: PageClient, world: World, before: str, after: str) -> None:
    lead = lead_in(world, before)
    events = world.event_types(lead)
    form = {"to": after, "version": str(world.row(lead)["version"]), "reason": "No budget."}
    answer = owner.submit(f"/leads/{lead}/move", form)
    assert answer.status_code == 422
    assert "cannot become" in answer.problems[0]
    assert world.row(lead)["status"] == before
    assert world.event_types(lead) == events


@pytest.mark.parametrize("after", ["", "nonsense", "<b>", "new\x00", "NEW"])
def test_an_unknown_status_is_refused(owner: PageClient, world: World, after: str) -> None:
    lead = world.add()
    assert owner.submit(f"/leads/{lead}/move", {"to": after, "version": "1"}).status_code == 422
    assert owner.get(f"/leads/{lead}/move", query_string={"to": after}).status_code == 200


@pytest.mark.parametrize("after", sorted(rules.REASONED))
def test_a_reason_is_asked(owner: PageClient, world: World, after: str) -> None:
    lead = world.add()
    asked = owner.get(f"/leads/{lead}/move?to={after}")
    assert asked.soup.find("textarea", attrs={"name": "reason"})
    answer = owner.submit(f"/leads/{lead}/move", {"to": after, "version": "1", "reason": "   "})
    assert answer.status_code == 422
    assert "needs a reason" in answer.problems[0]
    assert world.row(lead)["status"] == "new"


def test_a_reason_of_600_characters_is_refused_and_kept(owner: PageClient, world: World) -> None:
    answer = owner.submit(f"/leads/{world.add()}/move", {"to": "lost", "version": "1", "reason": "x" * 600})
    assert answer.status_code == 422


def test_the_timeline_says_who_from_to_why_and_how_long(owner: PageClient, world: World, inside, acme) -> None:
    lead = world.add()
    from dataclasses import replace

    later = replace(acme, now=world.row(lead)["created_at"] + timedelta(days=3))
    with inside(acme):
        actions.move_record(later, LEADS, lead, 1, "contacted")
    latest = replace(acme, now=later.now + timedelta(hours=5))
    with inside(acme):
        actions.move_record(latest, LEADS, lead, 2, "lost", "Went with a rival.")
    assert [event.data.get("seconds") for event in world.events(lead)] == [None, 3 * 86400, 5 * 3600]
    items = owner.get(f"/leads/{lead}").texts("#timeline_items li")
    assert f"{acme.user_name} moved it from Contacted to Lost after 5 hours" in items[0]
    assert "Went with a rival." in items[0]
    assert "moved it from New to Contacted after 3 days" in items[1]


def test_only_allowed_moves_are_offered(owner: PageClient, world: World) -> None:
    for status in ALL:
        page = owner.get(f"/leads/{lead_in(world, status)}")
        offered = {label.removesuffix("…") for label in page.texts(".moves .btn")}
        names = {value: label for value, label, _ in rules.STATUSES}
        assert offered == {names[after] for after in rules.MOVES[status]}


def test_the_same_move_twice_is_one_move(owner: PageClient, world: World) -> None:
    lead = world.add()
    for _ in range(2):
        assert owner.submit(f"/leads/{lead}/move", {"to": "contacted", "version": "1"}).status_code == 303
    assert world.event_types(lead) == ["created", "moved"]


def test_moved_meanwhile_by_somebody_else_is_a_conflict(owner: PageClient, world: World) -> None:
    lead = world.add()
    world.move(lead, "nurturing")
    answer = owner.submit(f"/leads/{lead}/move", {"to": "contacted", "version": "1"})
    assert answer.status_code == 409
    assert "while you were editing" in answer.problems[0]
    assert world.row(lead)["status"] == "nurturing"


def test_a_field_changed_meanwhile_does_not_hinder_a_move(owner: PageClient, world: World) -> None:
    lead = world.add()
    world.change(lead, city="Oslo")
    assert owner.submit(f"/leads/{lead}/move", {"to": "contacted", "version": "1"}).status_code == 303
