from __future__ import annotations

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestSimilar(Battery):
    path = "/leads/similar?last_name=Doe&company=Doe+Ltd"
    target = "similar"
    swaps_inside = True
    viewer_may = True
    wrong_method = "PUT"


@pytest.fixture
def known(world: World) -> World:
    world.add(first_name="José", last_name="Núñez", company="Café SA", email="Jose@Example.com")
    world.add(first_name="Ann", last_name="Lee", company="Lee Ltd")
    return world


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("email=jose@example.com", ["José Núñez"]),
        ("email=JOSE@EXAMPLE.COM&last_name=Other", ["José Núñez"]),
        ("first_name=ann&last_name=LEE&company=lee+ltd", ["Ann Lee"]),
        ("first_name=Ann&last_name=Lee", []),
        ("email=jose@exam", []),
        ("company=", []),
        ("city=Oslo", []),
        ("", []),
        ("email=not+an+address&estimated_value=abc", []),
    ],
)
def test_points_out_what_may_be_here_already(owner: PageClient, known: World, typed: str, found: list[str]) -> None:
    answer = owner.fragment(f"/leads/similar?{typed}", target="similar")
    assert answer.texts("li a") == found


def test_not_itself(owner: PageClient, known: World) -> None:
    lead = known.rows()[0]["id"]
    path = f"/leads/similar?email=jose@example.com&beside={lead}"
    assert owner.fragment(path, target="similar").texts("li a") == []
    assert owner.get("/leads/similar?email=jose@example.com&beside=nonsense").texts(".notice a") == ["José Núñez"]


def test_five_at_most(owner: PageClient, world: World) -> None:
    world.add_many([{"last_name": "Doe", "email": "d@example.com"}] * 7)
    assert len(owner.fragment("/leads/similar?email=d@example.com", target="similar").texts("li a")) == 5
