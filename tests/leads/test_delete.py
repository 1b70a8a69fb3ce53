from __future__ import annotations

from datetime import timedelta

from app.core.records import actions
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestConfirmDelete(Battery):
    path = "/leads/{id}/delete"
    target = "dialog"


class TestDelete(Battery):
    path = "/leads/{id}/delete"
    method = "POST"
    target = "dialog"
    as_page = 303
    as_fragment = 204


def test_asks_by_name(owner: PageClient, world: World) -> None:
    page = owner.get(f"/leads/{world.add(last_name='Doe')}/delete")
    assert page.text_of("h1") == "Delete Doe"
    assert "can be undone" in page.text_of("main form")


def test_is_gone_everywhere_and_told_once(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", email="doe@example.com")
    kept = world.add(last_name="Kept")
    owner.submit(f"/leads/{lead}/delete")
    assert owner.get(f"/leads/{lead}").status_code == 404
    assert owner.get("/leads/").texts(".cell-title") == ["Kept"]
    assert owner.get("/leads/?q=doe").texts(".cell-title") == []
    assert owner.get("/leads/similar?email=doe@example.com").texts(".notice") == []
    assert owner.get("/leads/count").text_of("#record_count") == "1 lead"
    assert world.event_types(lead) == ["created", "deleted"]
    assert world.event_types(kept) == ["created"]


def test_offers_undo_which_works_as_shown(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    page = owner.get(owner.submit(f"/leads/{lead}/delete").headers["Location"])
    assert page.toasts == ["Doe was deleted."]
    undo = page.soup.select_one("[data-toast] form")
    assert owner.submit(undo["action"]).status_code == 303
    assert owner.get(f"/leads/{lead}").status_code == 200


def test_twice_is_gone(owner: PageClient, world: World) -> None:
    lead = world.add()
    owner.submit(f"/leads/{lead}/delete")
    assert owner.submit(f"/leads/{lead}/delete").status_code == 404
    assert world.event_types(lead) == ["created", "deleted"]


def test_after_30_days_it_is_purged_with_its_notes(world: World, inside, acme) -> None:
    from dataclasses import replace

    lead, kept = world.add(), world.add()
    world.note(lead, "of the deleted")
    world.note(kept, "of the kept")
    world.delete(lead)
    for days, purged in ((29, 0), (31, 1), (31, 0)):
        with inside(acme):
            assert actions.purge_deleted(replace(acme, now=acme.now + timedelta(days=days))) == purged
    assert world.notes() == ["of the kept"]
    assert world.event_types(lead) == ["created", "noted", "deleted"]
