"""Sample data: added on request, marked, removed with one click, and that can be undone."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.clients import PageClient


def rows(client: PageClient) -> int:
    return len(client.get("/leads/?tags=sample").soup.select("[data-row]"))


def test_an_empty_list_offers_it(owner: PageClient) -> None:
    page = owner.get("/leads/")
    assert page.soup.find("a", string="Add sample data") or "Add sample data" in page.texts("main a")


def test_added_marked_removed_and_undone(owner: PageClient) -> None:
    owner.submit("/leads/samples")
    assert rows(owner) == 20
    assert "48 leads here carry the tag" in owner.get("/leads/samples").text_of("main p")
    owner.submit("/leads/samples/delete")
    page = owner.get("/leads/")
    assert "48 leads removed." in page.toasts
    assert rows(owner) == 0
    undo = page.soup.select_one("#toasts form")
    assert undo is not None
    owner.submit(str(undo["action"]))
    assert rows(owner) == 20


def test_only_who_may_import(as_role: Callable[..., PageClient]) -> None:
    for role, status in (("viewer", 403), ("agent", 403), ("manager", 200)):
        assert as_role(role).get("/leads/samples").status_code == status


def test_nothing_to_remove_is_said(owner: PageClient) -> None:
    assert owner.submit("/leads/samples/delete").status_code == 422
