"""Teams: who sees each other's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.clients import PageClient
from tests.support.people import Crowd

LEAD = {"lead:read", "lead:create"}


def test_made_changed_deleted(owner: PageClient, crowd: Crowd, admin: Any) -> None:
    agent, viewer = str(crowd.id_of("agent")), str(crowd.id_of("viewer"))
    assert owner.submit("/teams", {"name": " North  side ", "members": [agent]}).status_code == 303
    page = owner.get("/teams")
    assert "North side Amal Acme" in page.texts("tbody tr")
    team = admin.execute("select id from teams").fetchone()[0]
    changed = owner.submit(f"/teams/{team}", {"name": "South", "members": [viewer], "version": "1"})
    assert changed.status_code == 303
    assert "South Victor Acme" in owner.get("/teams").texts("tbody tr")
    stale = owner.submit(f"/teams/{team}", {"name": "East", "members": [agent], "version": "1"})
    assert stale.status_code == 409
    assert "It is called South now, and in it are: Victor Acme" in stale.text_of("main")
    assert stale.soup.select_one("#name")["value"] == "East"
    assert owner.submit(f"/teams/{team}/delete").status_code == 303
    assert admin.execute("select count(*) from team_members").fetchone() == (0,)
    types = [
        row[0] for row in admin.execute("select type from events where subject_kind = 'team' order by id").fetchall()
    ]
    assert types == ["team.created", "team.updated", "team.deleted"]


def test_names_are_told_apart(owner: PageClient) -> None:
    assert owner.submit("/teams", {"name": "North"}).status_code == 303
    for name, says in (("NORTH", "already"), ("", "Enter a name"), ("x" * 61, "up to 60")):
        answer = owner.submit("/teams", {"name": name})
        assert answer.status_code == 422
        assert says in " ".join(answer.problems)


def test_of_another_organisation_nobody_joins(owner: PageClient, globex: Any, admin: Any) -> None:
    answer = owner.submit("/teams", {"name": "North", "members": [str(globex.user_id)]})
    assert answer.status_code == 404
    assert admin.execute("select count(*) from team_members").fetchone() == (0,)
    assert admin.execute("select count(*) from teams").fetchone() == (0,)


def test_a_colleague_more_is_seen_at_the_next_request(
    owner: PageClient,
    as_custom_role: Callable[..., PageClient],
    as_role: Callable[..., PageClient],
    crowd: Crowd,
    admin: Any,
) -> None:
    as_role("agent").submit("/leads/", {"last_name": "Lovelace", "owner_id": str(crowd.id_of("agent"))})
    reader = as_custom_role(LEAD, {"lead": ("team", "own")}, teams=["North"])
    assert reader.get("/leads/").texts("#record_rows tr") == []
    team = crowd.team("North")
    members = [str(reader.user_id), str(crowd.id_of("agent"))]
    assert owner.submit(f"/teams/{team}", {"name": "North", "members": members, "version": "1"}).status_code == 303
    assert "Lovelace" in " ".join(reader.get("/leads/").texts("#record_rows tr"))
    assert owner.submit(f"/teams/{team}", {"name": "North", "version": "2"}).status_code == 303
    assert reader.get("/leads/").texts("#record_rows tr") == []


def test_who_does_not_see_a_teams_records_does_not_decide_who_does(
    as_custom_role: Callable[..., PageClient], crowd: Crowd, admin: Any
) -> None:
    helper = as_custom_role({"user:manage", *LEAD}, {"lead": ("team", "own")}, teams=["Mine"])
    theirs = crowd.team("Theirs", [crowd.id_of("agent")])
    mine = crowd.team("Mine")
    me = str(helper.user_id)
    assert helper.submit(f"/teams/{theirs}", {"name": "Theirs", "members": [me], "version": "1"}).status_code == 403
    assert helper.submit(f"/people/{me}/teams", {"teams": [str(theirs), str(mine)]}).status_code == 403
    assert helper.submit(f"/teams/{theirs}/delete").status_code == 403
    left = admin.execute("select count(*) from team_members where user_id = %s", (helper.user_id,)).fetchone()
    assert left == (1,)
