"""Claim 27 at the forms about people: role, tenant, permissions and owner flags that no form asks for never persist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.servers import PASSWORD

NEW = "plover carnival 7 dusk anthem"
COLUMNS = "tenant_id, id, role, role_id, disabled_at, joined_at, invited_at, email_confirmed_at, email, email_key"


@pytest.fixture
def extra(globex: Any, crowd: Crowd) -> dict[str, Any]:
    """What an attacker adds to every form."""
    strong = str(crowd.role({"user:manage", "role:manage", "lead:read"}, {"lead": ("all", "all")}, name="Strong"))
    return {
        "tenant_id": str(globex.tenant_id),
        "id": str(globex.user_id),
        "user_id": str(globex.user_id),
        "role": "owner",
        "role_id": strong,
        "permissions": ["tenant:manage", "user:manage", "role:manage", "audit:read"],
        "lead-sees": "all",
        "lead-changes": "all",
        "is_owner": "1",
        "is_admin": "1",
        "owner": "1",
        "disabled_at": "",
        "joined_at": "2001-01-01",
        "email_confirmed_at": "2001-01-01",
        "email_key": "forged@x.example",
        "password_hash": "forged",
        "second_factor": "1",
        "teams": [str(crowd.team("Forged"))],
        "version": "99",
    }


def facts(admin: Any, user_id: Any) -> Any:
    return admin.execute(f"select {COLUMNS} from users where id = %s", (user_id,)).fetchone()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/profile", {"name": "Amal", "zone": "", "locale": ""}),
        ("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW}),
        ("/profile/address", {"email": "new@x.example", "current": PASSWORD}),
        ("/preferences", {"theme": "dark"}),
    ],
)
def test_claim_27_ones_own_forms_raise_nobody(
    agent: PageClient, crowd: Crowd, extra: dict[str, Any], admin: Any, path: str, form: dict[str, Any]
) -> None:
    mine = crowd.id_of("agent")
    before = facts(admin, mine)
    assert agent.submit(path, extra | form).status_code == 303
    assert facts(admin, mine) == before
    assert admin.execute("select count(*) from team_members").fetchone() == (0,)
    assert admin.execute("select count(*) from users where password_hash = 'forged'").fetchone() == (0,)
    for closed in ("/people", "/roles", "/teams", "/settings/organisation"):
        assert agent.get(closed).status_code == 403, closed


@pytest.mark.parametrize("path", ["teams", "sessions/delete", "disable", "enable"])
def test_claim_27_what_is_done_to_a_person_is_only_that(
    owner: PageClient, crowd: Crowd, extra: dict[str, Any], admin: Any, path: str
) -> None:
    theirs = crowd.id_of("agent")
    before = facts(admin, theirs)
    assert owner.submit(f"/people/{theirs}/{path}", extra).status_code == 303
    after = facts(admin, theirs)
    allowed = {4} if path == "disable" else set()
    assert [one for place, one in enumerate(after) if place not in allowed] == [
        one for place, one in enumerate(before) if place not in allowed
    ]


def test_claim_27_an_invitation_is_of_this_organisation_and_not_accepted_yet(
    owner: PageClient, acme: Any, extra: dict[str, Any], admin: Any
) -> None:
    assert (
        owner.submit("/people", extra | {"addresses": "ada@x.example", "role": "viewer", "teams": []}).status_code
        == 303
    )
    wanted = "select tenant_id, role, role_id, joined_at, password_hash, email_confirmed_at from users where email = %s"
    assert admin.execute(wanted, ("ada@x.example",)).fetchall() == [(acme.tenant_id, "viewer", None, None, None, None)]


def test_claim_27_roles_and_teams_stay_in_their_organisation(
    owner: PageClient, acme: Any, extra: dict[str, Any], admin: Any
) -> None:
    made = {"name": "Made", "permissions": ["lead:read"], "lead-sees": "own", "lead-changes": "none"}
    assert owner.submit("/roles", extra | made).status_code == 303
    assert owner.submit("/teams", extra | {"name": "Made", "members": [extra["user_id"]]}).status_code == 404
    assert owner.submit("/teams", extra | {"name": "Made", "members": []}).status_code == 303
    role = admin.execute("select tenant_id, id::text, permissions, version from roles where name = 'Made'").fetchone()
    assert (role[0], role[2], role[3]) == (acme.tenant_id, ["lead:read"], 1)
    assert role[1] != extra["id"]
    team = admin.execute("select tenant_id, id::text, version from teams where name = 'Made'").fetchone()
    assert (team[0], team[2]) == (acme.tenant_id, 1)
    assert team[1] != extra["id"]


def test_claim_27_a_role_of_another_organisation_is_none(
    owner: PageClient, crowd: Crowd, globex: Any, inside: Callable[..., Any], admin: Any
) -> None:
    foreign = str(Crowd(globex, inside).role({"lead:read"}, {"lead": ("all", "all")}))
    answer = owner.submit(f"/people/{crowd.id_of('agent')}/role", {"role": foreign})
    assert answer.status_code == 422
    assert owner.submit("/people", {"addresses": "ada@x.example", "role": foreign}).status_code == 422
    assert facts(admin, crowd.id_of("agent"))[2:4] == ("agent", None)
