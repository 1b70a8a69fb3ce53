from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World
from tests.transfer.importing import imported


class TestShow(Battery):
    path = "/leads/{id}"
    target = "timeline"
    viewer_may = True


class TestShowField(Battery):
    path = "/leads/{id}/fields/email"
    target = "field--email"
    viewer_may = True
    wrong_method = "PUT"


def test_shows_every_field_as_its_type(owner: PageClient, world: World) -> None:
    lead = world.add(
        first_name="Amélie",
        last_name="Poulain",
        email="Amelie.Poulain@Example.COM",
        phone="(212) 555-0100 ext. 7",
        website="example.com/me",
        rating="hot",
        estimated_value="1,250.50",
        tags="vip, Paris",
        next_follow_up="2026-12-24",
        last_contacted_at="2026-11-20T09:30:00",
        description="First line\nSecond line",
    )
    page = owner.get(f"/leads/{lead}")
    assert page.text_of("h1") == "Amélie Poulain"
    facts = dict(zip(page.texts(".facts dt"), page.texts(".facts dd"), strict=True))
    assert facts["E-mail"] == "Amelie.Poulain@example.com"
    assert facts["Phone"] == "(212) 555-0100 ext. 7"
    assert facts["Estimated value"] == "$1,250.50"
    assert facts["Rating"] == "Hot"
    assert facts["Tags"] == "vip Paris"
    assert facts["Next follow-up"] == "Dec 24, 2026"
    assert facts["Last contacted"].replace("\u202f", " ") == "Nov 20, 2026, 9:30:00 AM"
    assert facts["Do not contact"] == "No"
    assert page.soup.find("a", href="https://example.com/me")["rel"] == ["noopener", "noreferrer", "nofollow"]
    assert page.soup.find("a", href="mailto:Amelie.Poulain@example.com")


def test_viewer_is_offered_nothing_to_change(viewer: PageClient, world: World) -> None:
    page = viewer.get(f"/leads/{world.add()}")
    assert page.soup.select("a[href$='/edit'], a[href$='/delete'], #note_form, .moves") == []


def test_timeline_pages_backwards_and_shows_each_event_once(owner: PageClient, world: World) -> None:
    lead = world.add()
    for number in range(64):
        world.change(lead, city=f"Town {number}")
    page, seen = owner.get(f"/leads/{lead}"), []
    while True:
        seen += page.texts("#timeline_items ins")
        older = page.soup.select_one("#timeline_items a[href*='before=']")
        if older is None:
            break
        page = owner.fragment(older["href"], target="timeline_items")
        assert page.soup.find("html") is None
    assert seen == [f"Town {number}" for number in reversed(range(64))]


def test_timeline_shows_a_malformed_page_as_the_first(owner: PageClient, world: World) -> None:
    assert owner.get(f"/leads/{world.add()}?before=nonsense").texts("#timeline_items li")


def test_timeline_tells_of_changes_in_words(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    world.change(lead, estimated_value=None, rating="hot", tags=("a", "b"), do_not_contact=True)
    changes = owner.get(f"/leads/{lead}").texts(".timeline-changes li")
    assert changes == [
        "Rating: – empty → became Hot",
        "Tags: – empty → became a, b",
        "Do not contact: No → became Yes",
    ]


def test_queries_do_not_grow_with_the_past(owner: PageClient, world: World, count_queries) -> None:
    short, long = world.add(), world.add()
    world.note(short)
    for number in range(25):
        world.change(long, city=f"Town {number}")
        world.note(long, f"Note {number}")
    owner.get(f"/leads/{short}")
    assert count_queries(owner.get(f"/leads/{short}")) == count_queries(owner.get(f"/leads/{long}")) <= 4


def test_created_an_hour_ago_says_so_in_the_readers_zone(owner: PageClient, world: World) -> None:
    lead = world.add()
    stamp = owner.get(f"/leads/{lead}").soup.select_one(".record-times time")
    assert stamp["datetime"].startswith(world.row(lead)["created_at"].isoformat()[:19])
    local = world.row(lead)["created_at"].astimezone(world.scope.zone_info)
    assert f"{local:%-I:%M}" in stamp["title"]
    assert local.utcoffset() in (timedelta(hours=-5), timedelta(hours=-4))


def test_an_imported_lead_says_from_which_file_and_row(owner: PageClient, world: World, run_jobs: Any) -> None:
    imported(owner, run_jobs, "last name\nFirst\nSecond\n")
    lead = next(row for row in world.rows() if row["last_name"] == "Second")
    told = owner.get(f"/leads/{lead['id']}").texts(".timeline-text")
    assert any("imported" in text and ".csv (row 3)" in text for text in told), told
