"""Someone with a role of the tenant's own gets what the role says, at once when it changes."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.clients import PageClient
from tests.support.people import Crowd


def test_a_custom_role_opens_what_it_holds(as_custom_role: Callable[..., PageClient]) -> None:
    reader = as_custom_role({"lead:read"}, {"lead": ("all", "none")}, teams={"North": ["agent"]})
    assert reader.get("/leads/").status_code == 200
    assert reader.get("/leads/new").status_code == 403


def test_a_role_that_sees_nothing_opens_nothing(as_custom_role: Callable[..., PageClient]) -> None:
    assert as_custom_role({"lead:read"}, {}).get("/leads/").status_code == 403


def test_teams_make_colleagues(as_custom_role: Callable[..., PageClient], crowd: Crowd) -> None:
    from app.accounts import queries

    client = as_custom_role({"lead:read"}, {"lead": ("team", "own")}, teams={"North": ["agent"], "South": ["viewer"]})
    assert client.user_id is not None
    with crowd.inside(crowd.scope):
        who = queries.find_person(crowd.scope.tenant_id, client.user_id)
    assert who is not None
    assert set(who.colleagues) == {client.user_id, crowd.id_of("agent"), crowd.id_of("viewer")}
