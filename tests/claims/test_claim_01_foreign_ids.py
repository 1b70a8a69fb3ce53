"""Claim 1 beyond addresses (those: tests/house/test_foreign_ids.py): foreign ids in forms and filters reach nothing."""

from __future__ import annotations

from tests.support.clients import PageClient
from tests.support.world import World


def test_claim_01_foreign_owner_cannot_be_assigned(owner: PageClient, world: World, globex_world: World) -> None:
    theirs = str(globex_world.scope.user_id)
    assert owner.submit("/leads/", {"last_name": "Doe", "owner_id": theirs}).status_code == 422
    lead = world.add()
    form = {"owner_id": theirs, "version": "1"}
    assert owner.submit(f"/leads/{lead}/fields/owner_id", form).status_code == 422
    owner.submit("/leads/bulk", {"ids": [str(lead)], "action": "set:owner_id", "set_owner_id": theirs})
    assert [row["owner_id"] for row in world.rows()] == [None]


def test_claim_01_foreign_ids_in_filters_and_beside_tell_nothing(
    stranger: PageClient, world: World, globex_world: World
) -> None:
    lead = world.add(last_name="Secret", email="secret@acme.example", tags="hidden")
    globex_world.add(last_name="Own")
    view = world.view("Secret view", shared=True)
    for address in (
        "/leads/?q=secret",
        "/leads/?tags=hidden",
        f"/leads/?owner_id={world.scope.user_id}",
        f"/leads/?view={view}",
        f"/leads/similar?email=secret@acme.example&beside={lead}",
        "/leads/count?q=secret",
    ):
        assert "Secret" not in stranger.get(address).get_data(as_text=True), address


def test_claim_01_a_session_of_one_tenant_is_none_of_the_other(owner: PageClient, world: World) -> None:
    lead = world.add()
    answer = owner.get(f"/t/globex/leads/{lead}")
    assert answer.status_code == 303
    assert "/t/globex/sign-in" in answer.headers["Location"]
    by_header = owner.get(f"/leads/{lead}", headers={"X-Tenant-ID": "globex"})
    assert by_header.status_code in (303, 400, 403, 404)
