from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.records import actions
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World, unknown_id


class TestBulk(Battery):
    path = "/leads/bulk"
    method = "POST"
    form = {"action": "set:rating", "set_rating": "hot"}  # noqa: RUF012
    target = "dialog"
    as_page = 303

    def typed(self, world: World, ids: dict[str, Any]) -> dict[str, Any]:
        return dict(self.form) | {"ids": [str(world.add())]}


@pytest.fixture
def three(world: World) -> list[UUID]:
    return world.add_many([{"last_name": name, "tags": "old"} for name in ("A", "B", "C")])


def bulk(client: PageClient, ids: list[UUID], address: str = "", **form: Any) -> Any:
    answer = client.submit(f"/leads/bulk{address}", {"ids": [str(record_id) for record_id in ids], **form})
    assert answer.status_code == 303, answer.status_code
    return client.get(answer.headers["Location"])


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [("rating", "hot", "hot"), ("source", "event", "event"), ("rating", "none", None)],
)
def test_sets_a_field_of_the_chosen_only(
    owner: PageClient, world: World, three: list[UUID], field: str, typed: str, stored: str | None
) -> None:
    if stored is None:
        for lead in three:
            world.change(lead, **{field: "warm"})
    page = bulk(owner, three[:2], action=f"set:{field}", **{f"set_{field}": typed})
    assert page.toasts == ["2 leads changed."]
    assert [row[field] for row in world.rows()] == [stored, stored, "warm" if stored is None else None]
    assert world.event_types(three[0])[-1] == "changed"
    assert world.event_types(three[2])[-1] == ("changed" if stored is None else "created")


def test_assigns(owner: PageClient, world: World, three: list[UUID]) -> None:
    me = world.scope.user_id
    bulk(owner, three, action="set:owner_id", set_owner_id=str(me))
    assert {row["owner_id"] for row in world.rows()} == {me}
    bulk(owner, three, action="set:owner_id", set_owner_id="none")
    assert {row["owner_id"] for row in world.rows()} == {None}


@pytest.mark.parametrize("field", ["owner_id", "rating", "next_follow_up"])
def test_a_control_left_alone_empties_nothing(owner: PageClient, world: World, three: list[UUID], field: str) -> None:
    before = [row[field] for row in world.rows()]
    page = bulk(owner, three, action=f"set:{field}", **{f"set_{field}": " "})
    assert "choose what to set first" in page.toasts[0]
    assert [row[field] for row in world.rows()] == before


def test_only_the_field_whose_button_was_pressed_is_set(owner: PageClient, world: World, three: list[UUID]) -> None:
    bulk(owner, three, action="set:rating", set_rating="hot", set_source="event", tags="new", to="lost")
    row = world.rows()[0]
    assert (row["rating"], row["source"], row["tags"], row["status"]) == ("hot", None, ["old"], "new")


def test_tags_are_added_once_and_removed_whatever_their_case(
    owner: PageClient, world: World, three: list[UUID]
) -> None:
    bulk(owner, three, action="tag", tags="Café, OLD, new")
    assert world.rows()[0]["tags"] == ["old", "Café", "new"]
    assert world.rows()[0]["tag_keys"] == ["#old", "#cafe", "#new"]
    assert owner.get("/leads/?tags=cafe").text_of("#record_count") == "3 leads"
    bulk(owner, three, action="untag", tags="CAFE, Old")
    assert world.rows()[0]["tags"] == ["new"]


def test_too_many_tags_change_nothing(owner: PageClient, world: World, three: list[UUID]) -> None:
    world.change(three[1], tags=tuple(f"t{number}" for number in range(29)))
    page = bulk(owner, three, action="tag", tags="x, y")
    assert "30 is the most" in page.toasts[0]
    assert [row["tags"] for row in world.rows()][0::2] == [["old"], ["old"]]
    page = bulk(owner, three, action="tag", tags="x" * 51)
    assert "50 characters" in page.toasts[0]


def test_moves_those_that_may_and_says_who_stayed(owner: PageClient, world: World, three: list[UUID]) -> None:
    world.move(three[0], "qualified")
    world.move(three[0], "converted")
    page = bulk(owner, three, action="move", to="contacted")
    assert page.toasts == ["2 leads moved. 1 stayed: their status does not allow that move."]
    assert [row["status"] for row in world.rows()] == ["converted", "contacted", "contacted"]


def test_a_move_that_needs_a_reason_moves_none_without_it(owner: PageClient, world: World, three: list[UUID]) -> None:
    page = bulk(owner, three, action="move", to="lost")
    assert "needs a reason" in page.toasts[0]
    assert {row["status"] for row in world.rows()} == {"new"}
    bulk(owner, three, action="move", to="lost", reason="Gone.")
    assert {row["status"] for row in world.rows()} == {"lost"}
    assert world.events(three[0])[-1].data["reason"] == "Gone."


@pytest.mark.parametrize("to", ["", "nonsense", "<b>"])
def test_an_unknown_status_moves_none(owner: PageClient, world: World, three: list[UUID], to: str) -> None:
    assert bulk(owner, three, action="move", to=to).toasts == ["Choose a status to move to."]


def test_delete_asks_by_name_first_and_is_undone_as_one(owner: PageClient, world: World, three: list[UUID]) -> None:
    ids = [str(lead) for lead in three]
    asked = owner.submit("/leads/bulk", {"action": "delete", "ids": ids})
    assert asked.status_code == 200
    assert asked.texts(".consequences li") == ["A", "B", "C"]
    assert len(world.rows()) == 3
    form = asked.soup.select_one("main form[action$='/bulk']")
    posted: dict[str, Any] = {"ids": [field["value"] for field in form.select("[name=ids]")]}
    posted |= {field["name"]: field["value"] for field in form.select("input") if field["name"] != "ids"}
    page = owner.get(owner.submit("/leads/bulk", posted).headers["Location"])
    assert page.toasts == ["3 leads deleted."]
    assert world.rows() == []
    owner.submit(page.soup.select_one("[data-toast] form")["action"])
    assert len(world.rows()) == 3


def test_as_a_fragment_delete_asks_in_the_dialog(owner: PageClient, world: World, three: list[UUID]) -> None:
    form = {"action": "delete", "ids": [str(lead) for lead in three]}
    answer = owner.fragment("/leads/bulk", target="dialog", method="POST", data=form)
    assert "HX-Reswap" not in answer.headers
    assert answer.text_of("h2") == "Delete 3 leads?" or "Delete 3 leads" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("address", "touched"), [("", "ABC"), ("?q=b", "B"), ("?tags=old&rating=none", "ABC"), ("?rating=hot", "")]
)
def test_all_that_match_is_the_list_over_all_its_pages(
    owner: PageClient, world: World, three: list[UUID], address: str, touched: str
) -> None:
    bulk(owner, [], address, action="set:source", set_source="event", all_matching="1")
    assert "".join(row["last_name"] for row in world.rows() if row["source"] == "event") == touched


def test_all_that_match_goes_beyond_the_page(owner: PageClient, world: World) -> None:
    world.add_many([{"last_name": "Doe"}] * 45)
    shown = owner.get("/leads/").soup.select("#record_rows input")
    ids = [UUID(box["value"]) for box in shown]
    page = bulk(owner, ids, "?cursor=ignored", action="set:rating", set_rating="hot", all_matching="1")
    assert page.toasts[0] == "45 leads changed."
    assert {row["rating"] for row in world.rows()} == {"hot"}


def test_more_than_the_limit_changes_none(
    owner: PageClient, world: World, three: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions.bulk, "BULK_LIMIT", 2)
    for form in ({"all_matching": "1"}, {"ids": [str(lead) for lead in three]}):
        answer = owner.submit("/leads/bulk", {"action": "set:rating", "set_rating": "hot", **form})
        assert "At most 2 at once" in owner.get(answer.headers["Location"]).toasts[0]
    assert {row["rating"] for row in world.rows()} == {None}


@pytest.mark.parametrize(
    "form",
    [
        {"action": "set:rating", "set_rating": "boiling"},
        {"action": "set:owner_id", "set_owner_id": "nobody"},
        {"action": "set:owner_id", "set_owner_id": str(unknown_id())},
        {"action": "set:next_follow_up", "set_next_follow_up": "soon"},
        {"action": "set:status", "set_status": "lost"},
        {"action": "set:email", "set_email": "all@example.com"},
        {"action": "set:tenant_id", "set_tenant_id": str(unknown_id())},
        {"action": "tag", "tags": " , "},
        {"action": "nonsense"},
        {},
    ],
)
def test_what_cannot_be_set_changes_none_and_is_said(
    owner: PageClient, world: World, three: list[UUID], form: dict[str, str]
) -> None:
    before = world.rows()
    page = bulk(owner, three, **form)
    assert page.toasts[0]
    assert page.soup.select("[data-toast=danger]")
    assert world.rows() == before


def test_nothing_selected_is_said(owner: PageClient, world: World, three: list[UUID]) -> None:
    assert bulk(owner, [], action="set:rating", set_rating="hot").toasts == ["Select some leads first."]
    answer = owner.submit("/leads/bulk", {"action": "delete", "ids": ["abc", "", "\x00"]})
    assert owner.get(answer.headers["Location"]).toasts == ["Select some leads first."]


def test_a_rule_that_one_breaks_keeps_all_as_they_were(world: World, three: list[UUID], inside, acme) -> None:
    from app.core.errors import Invalid

    named = world.add(company="Only a company")
    before = world.rows()
    with pytest.raises(Invalid), inside(acme):
        actions.bulk_update(acme, world.kind, [*three, named], {"last_name": None, "company": None})
    assert world.rows() == before


def test_of_another_tenant_nothing_is_touched(
    stranger: PageClient, world: World, globex_world: World, three: list[UUID]
) -> None:
    own = globex_world.add(last_name="Globex")
    before = world.rows()
    for form in ({"action": "set:rating", "set_rating": "hot"}, {"action": "move", "to": "contacted"}):
        bulk(stranger, [*three, own], **form)
    foreign = {"action": "delete", "confirmed": "1", "ids": [str(lead) for lead in three]}
    assert stranger.submit("/leads/bulk", foreign).status_code == 404
    assert world.rows() == before
    assert globex_world.row(own)["rating"] == "hot"


def test_each_change_has_one_event(owner: PageClient, world: World, three: list[UUID]) -> None:
    before = world.all_events()
    bulk(owner, three * 2, action="set:rating", set_rating="hot")
    assert world.all_events() == before + 3
    bulk(owner, three, action="set:rating", set_rating="hot")
    assert world.all_events() == before + 3
