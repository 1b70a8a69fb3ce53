"""Roles of the organisation's own: made, changed, deleted, and never more than their maker holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.access import PERMISSIONS
from tests.support.clients import PageClient
from tests.support.people import Crowd

OWN_LEADS = {
    "name": "Own leads only",
    "description": "For people on trial",
    "lead-sees": "own",
    "lead-changes": "own",
    "permissions": ["lead:read", "lead:create", "lead:update"],
}


def stored(admin: Any) -> list[Any]:
    return admin.execute("select name, permissions, reach from roles order by name").fetchall()


def id_of(admin: Any, name: str) -> Any:
    return admin.execute("select id from roles where name = %s", (name,)).fetchone()[0]


def test_the_built_in_ones_are_shown_with_what_they_may(owner: PageClient) -> None:
    page = owner.get("/roles")
    assert page.texts(".card-heading") == ["Owner", "Admin", "Manager", "Agent", "Viewer"]
    viewer = page.text_of("#role-viewer")
    assert "See them" in viewer
    assert "Add new ones" not in viewer
    assert "Make and change roles" in page.text_of("#role-admin")


def test_made_given_changed_and_felt_at_once(
    owner: PageClient, as_role: Callable[..., PageClient], crowd: Crowd, admin: Any
) -> None:
    assert owner.submit("/roles", OWN_LEADS).status_code == 303
    ((name, permissions, reach),) = stored(admin)
    assert (name, permissions) == ("Own leads only", ["lead:create", "lead:read", "lead:update"])
    assert reach["lead"] == {"sees": "own", "changes": "own"}
    role_id, agent = id_of(admin, name), as_role("agent")
    assert owner.submit(f"/people/{crowd.id_of('agent')}/role", {"role": str(role_id)}).status_code == 303
    assert agent.get("/leads/new").status_code == 200
    token = "select token_hash from user_sessions where user_id = %s"
    before = admin.execute(token, (crowd.id_of("agent"),)).fetchone()
    changed = OWN_LEADS | {"permissions": ["lead:read"], "version": "1"}
    assert owner.submit(f"/roles/{role_id}", changed).status_code == 303
    assert agent.get("/leads/new").status_code == 403
    after = admin.execute(token, (crowd.id_of("agent"),)).fetchone()
    assert before != after, "a change of rights is a new session"
    (told,) = admin.execute("select data from events where type = 'role.updated' order by id").fetchall()
    assert told[0]["before"]["permissions"] == permissions
    assert told[0]["after"]["permissions"] == ["lead:read"]


def test_a_copy_starts_with_what_the_other_has(owner: PageClient) -> None:
    page = owner.get("/roles/new?copy=agent")
    ticked = {str(box["value"]) for box in page.soup.select("input[name=permissions][checked]")}
    assert {"lead:read", "lead:export"} <= ticked
    assert "lead:import" not in ticked
    assert page.soup.select_one("#lead-sees option[selected]")["value"] == "all"
    assert not page.soup.select_one("#name").get("value")


def test_what_is_wrong_is_said_and_nothing_lost(owner: PageClient, admin: Any) -> None:
    for change, says in (
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 61}, "up to 60"),
        ({"name": "Owner"}, "already"),
        ({"lead-changes": "all"}, "cannot change what it does not see"),
    ):
        answer = owner.submit("/roles", OWN_LEADS | change)
        assert answer.status_code == 422, change
        assert says in " ".join(answer.problems)
        ticked = {str(box["value"]) for box in answer.soup.select("input[name=permissions][checked]")}
        assert ticked == set(OWN_LEADS["permissions"])
        assert answer.soup.select_one("#description")["value"] == "For people on trial"
    assert stored(admin) == []


def test_the_same_name_twice_is_refused(owner: PageClient) -> None:
    assert owner.submit("/roles", OWN_LEADS).status_code == 303
    again = owner.submit("/roles", OWN_LEADS | {"name": "  OWN   leads only "})
    assert again.status_code == 422
    assert "already" in " ".join(again.problems)


def test_what_nobody_knows_is_not_stored(owner: PageClient, admin: Any) -> None:
    wild = ["lead:read", "lead:conquer", "tenant:*", "*", "operator:manage", "user:manage'--", "role:manage\x00"]
    owner.submit("/roles", OWN_LEADS | {"permissions": wild, "lead-sees": "universe", "lead-changes": "none"})
    ((_, permissions, reach),) = stored(admin)
    assert permissions == ["lead:read"]
    assert reach["lead"] == {"sees": "none", "changes": "none"}


def test_a_stale_change_is_409_with_both(owner: PageClient, admin: Any) -> None:
    owner.submit("/roles", OWN_LEADS)
    role_id = id_of(admin, "Own leads only")
    assert owner.submit(f"/roles/{role_id}", OWN_LEADS | {"lead-sees": "all", "version": "1"}).status_code == 303
    stale = owner.submit(f"/roles/{role_id}", OWN_LEADS | {"lead-sees": "team", "version": "1"})
    assert stale.status_code == 409
    assert "Leads: sees all team" in stale.texts("main table tr")
    assert stale.soup.select_one("#lead-sees option[selected]")["value"] == "team"
    version = stale.soup.select_one("input[name=version]")["value"]
    assert owner.submit(f"/roles/{role_id}", OWN_LEADS | {"lead-sees": "team", "version": version}).status_code == 303


def test_a_role_in_use_goes_only_when_its_people_get_another(owner: PageClient, crowd: Crowd, admin: Any) -> None:
    role_id = crowd.role({"lead:read"}, {"lead": ("own", "none")}, name="Trial")
    someone, _ = crowd.person(role_id, name="Zoe Zimmer")
    page = owner.get(f"/roles/{role_id}/delete")
    assert "Zoe Zimmer" in page.text_of("main")
    refused = owner.submit(f"/roles/{role_id}/delete")
    assert refused.status_code == 409
    assert "One person has the role Trial" in " ".join(refused.problems)
    assert owner.submit(f"/roles/{role_id}/delete", {"move_to": str(role_id)}).status_code == 409
    assert owner.submit(f"/roles/{role_id}/delete", {"move_to": "king"}).status_code == 422
    assert owner.submit(f"/roles/{role_id}/delete", {"move_to": "viewer"}).status_code == 303
    assert admin.execute("select role, role_id from users where id = %s", (someone,)).fetchone() == ("viewer", None)
    assert stored(admin) == []


def test_nobody_makes_a_role_that_may_more_than_theirs(
    as_custom_role: Callable[..., PageClient], crowd: Crowd, admin: Any
) -> None:
    """Raising oneself, by a new role, by one's own role, by somebody else's: refused, and told in the log."""
    maker = as_custom_role({"role:manage", "lead:read", "lead:update"}, {"lead": ("team", "own")}, teams=["North"])
    mine = admin.execute("select role_id from users where id = %s", (maker.user_id,)).fetchone()[0]
    strong = crowd.role({"lead:read", "lead:delete"}, {"lead": ("all", "all")}, name="Strong")
    before = stored(admin)
    fits = {"name": "Fits", "lead-sees": "own", "lead-changes": "own", "permissions": ["lead:read"]}
    tries = [
        ("/roles", fits | {"permissions": ["lead:read", "lead:delete"]}),
        ("/roles", fits | {"permissions": ["lead:read", "user:manage"]}),
        ("/roles", fits | {"lead-sees": "all"}),
        ("/roles", fits | {"lead-sees": "team", "lead-changes": "team"}),
        (f"/roles/{mine}", fits | {"version": "1", "permissions": ["lead:read", *PERMISSIONS]}),
        (f"/roles/{mine}", fits | {"version": "1"}),
        (f"/roles/{strong}", fits | {"version": "1"}),
        (f"/roles/{strong}/delete", {}),
        (f"/roles/{mine}/delete", {"move_to": "admin"}),
    ]
    for path, form in tries:
        answer = maker.submit(path, form)
        assert answer.status_code == 403, (path, form)
        assert answer.text_of("main")
    assert stored(admin) == before
    told = admin.execute("select data ->> 'wanted' from events where type = 'rights.rights_refused'").fetchall()
    assert len(told) == len(tries)
    assert maker.submit("/roles", fits).status_code == 303
