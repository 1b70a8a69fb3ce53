from __future__ import annotations

import pytest

from app.core.records import queries
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestCount(Battery):
    path = "/leads/count"
    target = "record_count"
    viewer_may = True
    wrong_method = "PUT"


def test_counts_what_the_list_lists(owner: PageClient, world: World) -> None:
    world.add_many([{"last_name": f"Doe {number}", "rating": "hot" if number % 2 else ""} for number in range(7)])
    for address, count in (
        ("", "7 leads"),
        ("?rating=hot", "3 leads"),
        ("?q=doe&rating=none", "4 leads"),
        ("?q=3", "1 lead"),
    ):
        assert owner.get(f"/leads/count{address}").text_of("#record_count") == count


def test_is_exact_beyond_the_lists_cap(owner: PageClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries.lists, "COUNT_CAP", 5)
    world.add_many([{"last_name": "Doe"}] * 8)
    for address in ("", "?q=doe", "?rating=none"):
        page = owner.get(f"/leads/{address}")
        assert page.text_of("#record_count") == "5+ leads"
        exact = page.soup.find(id="record_count")["hx-get"]
        assert owner.fragment(exact, target="record_count").text_of("#record_count") == "8 leads"


def test_is_counted_anew_after_a_change(owner: PageClient, world: World) -> None:
    lead = world.add()
    assert owner.get("/leads/count").text_of("#record_count") == "1 lead"
    world.delete(lead)
    assert owner.get("/leads/count").text_of("#record_count") == "0 leads"
