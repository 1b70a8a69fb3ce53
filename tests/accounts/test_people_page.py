"""The page of all people, and what may be done with each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from app.accounts import actions, queries
from app.core.clock import now
from app.core.errors import FairleadError
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.servers import PASSWORD

AsRole = Callable[..., PageClient]
AsCustom = Callable[..., PageClient]
EVERYTHING = {"lead": ("all", "all")}
LEAD = {f"lead:{action}" for action in ("read", "create", "update", "delete", "assign", "export", "import", "share")}


def events(admin: Any, kind: str) -> list[dict[str, Any]]:
    rows = admin.execute("select data, actor_name from events where type = %s order by id", (kind,)).fetchall()
    return [{**data, "by": actor} for data, actor in rows]


def role_of(admin: Any, email: str) -> str:
    return admin.execute("select role from users where email = %s", (email,)).fetchone()[0]


def test_the_list_shows_everybody_of_this_organisation(owner: PageClient) -> None:
    page = owner.get("/people")
    names = page.texts("#people_list tbody tr td:first-child a")
    assert names == ["Adam Acme", "Amal Acme", "Mary Acme", "Olivia Acme", "Victor Acme"]
    assert page.text_of("#people_list .count") == "5 people"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=AMAL", ["Amal Acme"]),
        ("q=mary%40acme", []),
        ("q=manager%40ACME.example", ["Mary Acme"]),
        ("role=viewer", ["Victor Acme"]),
        ("status=disabled", []),
        ("status=invited", []),
        ("role=nonsense%00", []),
        ("q=%25", []),
    ],
)
def test_search_and_filters(owner: PageClient, query: str, expected: list[str]) -> None:
    for answer in (owner.get(f"/people?{query}"), owner.fragment(f"/people?{query}", target="people_list")):
        assert answer.texts("#people_list tbody tr td:first-child a") == expected


def test_by_team_and_own_role(owner: PageClient, crowd: Crowd) -> None:
    role = crowd.role({"lead:read"}, {"lead": ("own", "none")})
    user_id, _ = crowd.person(role, name="Zoe Zimmer")
    team = crowd.team("North", [user_id])
    for query in (f"role={role}", f"team={team}"):
        assert owner.get(f"/people?{query}").texts("#people_list tbody tr td:first-child a") == ["Zoe Zimmer"]


def test_fifty_a_page_and_nobody_twice(owner: PageClient, acme: Scope, inside: Any, admin: Any) -> None:
    admin.execute(
        "insert into users (tenant_id, id, email, email_key, name, role, created_at, updated_at, version) "
        "select %s, gen_random_uuid(), 'p' || n || '@x.example', 'p' || n || '@x.example', "
        "case when n %% 3 = 0 then 'Same Name' else 'Person ' || n end, 'viewer', now(), now(), 1 "
        "from generate_series(1, 120) n",
        (acme.tenant_id,),
    )
    seen: list[str] = []
    page = owner.get("/people")
    forward = 0
    while True:
        seen += [str(link["href"]) for link in page.soup.select("#people_list tbody tr td:first-child a")]
        following = page.soup.select_one("a[rel=next]")
        if following is None:
            break
        page, forward = owner.get(str(following["href"])), forward + 1
    assert (len(seen), len(set(seen)), forward) == (125, 125, 2)
    back: list[str] = []
    while (previous := page.soup.select_one("a[rel=prev]")) is not None:
        page = owner.get(str(previous["href"]))
        back.append(page.text_of("#people_list .count"))
    assert back == ["125 people", "125 people"]
    assert [str(link["href"]) for link in page.soup.select("#people_list tbody tr td:first-child a")] == seen[:50]
    for bad in ("x", "W10", "%00", "eyJhIjoxfQ"):
        assert owner.get(f"/people?after={bad}&before={bad}").status_code == 200


def test_invites_many_and_tells_each_lines_problem(
    owner: PageClient, sent_mails: Callable[[], list[EmailMessage]], crowd: Crowd, admin: Any
) -> None:
    team = crowd.team("North")
    lines = "new1@x.example\nAda Lovelace <ada@x.example>, nonsense\nAGENT@acme.example; new1@x.example"
    answer = owner.submit("/people", {"addresses": lines, "role": "agent", "teams": [str(team)]})
    assert answer.status_code == 200
    said = " ".join(answer.texts(".notice li"))
    assert "nonsense : That is not an e-mail address" in said
    assert "AGENT@acme.example : agent@acme.example is here already." in said
    assert "new1@x.example is invited already" in said
    assert answer.text_of("textarea").splitlines() == ["nonsense AGENT@acme.example new1@x.example"]
    assert sorted(str(mail["To"]) for mail in sent_mails()) == ["Ada Lovelace <ada@x.example>", "new1 <new1@x.example>"]
    rows = admin.execute("select count(*) from team_members where team_id = %s", (team,)).fetchone()
    assert rows == (2,)
    assert owner.get("/people?status=invited").text_of("#people_list .count") == "2 people"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"addresses": "", "role": "agent"}, "at least one"),
        ({"addresses": "a@x.example", "role": ""}, "Choose a role"),
        ({"addresses": "a@x.example", "role": "king"}, "Choose one of the roles"),
        ({"addresses": "\n".join(f"a{n}@x.example" for n in range(51)), "role": "agent"}, "up to 50"),
        ({"addresses": "a@x.example", "role": "agent", "teams": ["01900000-0000-7000-8000-000000000000"]}, "gone"),
    ],
)
def test_what_is_wrong_with_the_whole_is_said_and_nothing_lost(
    owner: PageClient, admin: Any, form: dict[str, Any], says: str
) -> None:
    answer = owner.submit("/people", form)
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)
    assert answer.soup.select_one("textarea").get_text().strip() == form["addresses"].strip()
    assert admin.execute("select count(*) from links").fetchone() == (0,)


def test_an_injected_header_stays_in_the_name(owner: PageClient, sent_mails: Callable[[], list[EmailMessage]]) -> None:
    owner.submit("/people", {"addresses": '"Eve\rBcc: a@evil.example" <eve@x.example>', "role": "viewer"})
    owner.submit("/people", {"addresses": "Eve\u2028X-Evil: 1 <eve2@x.example>", "role": "viewer"})
    for mail in sent_mails():
        assert mail["Bcc"] is None
        assert mail["X-Evil"] is None
        assert str(mail["To"]).endswith(("eve@x.example", "<eve@x.example>", "<eve2@x.example>"))


def test_again_and_withdrawn(owner: PageClient, sent_mails: Callable[[], list[EmailMessage]], admin: Any) -> None:
    owner.submit("/people", {"addresses": "ada@x.example", "role": "viewer"})
    user_id = admin.execute("select id from users where email = 'ada@x.example'").fetchone()[0]
    assert owner.submit(f"/people/{user_id}/invitations").status_code == 303
    assert [mail["Subject"] for mail in sent_mails()] == ["Your invitation to Acme"] * 2
    assert owner.submit(f"/people/{user_id}/invitations/delete").status_code == 303
    assert owner.get(f"/people/{user_id}").status_code == 404
    agent_id = admin.execute("select id from users where email = 'agent@acme.example'").fetchone()[0]
    for path in ("invitations", "invitations/delete"):
        answer = owner.submit(f"/people/{agent_id}/{path}")
        assert answer.status_code == 409
        assert "joined already" in " ".join(answer.problems)


def test_a_new_role_counts_at_the_next_request_with_a_new_session(
    owner: PageClient, as_role: AsRole, crowd: Crowd, admin: Any
) -> None:
    agent, agent_id = as_role("agent"), crowd.id_of("agent")
    before = admin.execute("select token_hash from user_sessions where user_id = %s", (agent_id,)).fetchone()
    assert agent.get("/leads/new").status_code == 200
    assert owner.submit(f"/people/{agent_id}/role", {"role": "viewer"}).status_code == 303
    assert agent.get("/leads/new").status_code == 403
    after = admin.execute("select token_hash from user_sessions where user_id = %s", (agent_id,)).fetchone()
    assert before != after
    (told,) = events(admin, "user.rights_changed")
    assert (told["before"], told["after"], told["by"]) == ({"role": "Agent"}, {"role": "Viewer"}, "Olivia Acme")


def test_nobody_changes_their_own_role(as_role: AsRole, crowd: Crowd, admin: Any) -> None:
    for role in ("owner", "admin"):
        answer = as_role(role).submit(f"/people/{crowd.id_of(role)}/role", {"role": "viewer"})
        assert answer.status_code == 403
        assert "own role" in answer.text
        assert role_of(admin, f"{role}@acme.example") == role
    assert [one["why"] for one in events(admin, "rights.rights_refused")] == [
        "Nobody changes their own role. Ask another administrator."
    ] * 2


@pytest.mark.parametrize("path", ["role", "disable", "sessions/delete", "teams"])
def test_an_admin_cannot_touch_an_owner(as_role: AsRole, crowd: Crowd, admin: Any, path: str) -> None:
    form = {"role": "viewer", "teams": [str(crowd.team("North"))]}
    answer = as_role("admin").submit(f"/people/{crowd.id_of('owner')}/{path}", form)
    assert answer.status_code == 403
    assert "Only an owner" in answer.text
    assert role_of(admin, "owner@acme.example") == "owner"
    assert len(events(admin, "rights.rights_refused")) == 1


def test_an_admin_cannot_make_an_owner(as_role: AsRole, crowd: Crowd, admin: Any) -> None:
    client = as_role("admin")
    assert client.submit(f"/people/{crowd.id_of('agent')}/role", {"role": "owner"}).status_code == 403
    assert client.submit("/people", {"addresses": "x@x.example", "role": "owner"}).status_code == 403
    offered = client.get(f"/people/{crowd.id_of('agent')}").soup.select("#role option")
    assert "owner" not in {str(option["value"]) for option in offered}
    assert role_of(admin, "agent@acme.example") == "agent"


def test_nobody_grants_more_than_they_hold(as_custom_role: AsCustom, crowd: Crowd, admin: Any) -> None:
    helper = as_custom_role({"user:manage", "lead:read"}, {"lead": ("own", "none")})
    viewer_id = crowd.id_of("viewer")
    weak = crowd.role({"lead:read"}, {"lead": ("own", "none")})
    strong = crowd.role({"lead:read"}, {"lead": ("team", "none")})
    someone, _ = crowd.person(weak)
    for role in ("owner", "admin", "manager", "agent", "viewer", str(strong)):
        assert helper.submit(f"/people/{someone}/role", {"role": role}).status_code == 403, role
    assert helper.submit(f"/people/{viewer_id}/role", {"role": str(weak)}).status_code == 403, "a viewer sees more"
    assert helper.submit(f"/people/{viewer_id}/disable").status_code == 403
    assert helper.submit("/people", {"addresses": "x@x.example", "role": "viewer"}).status_code == 403
    assert helper.submit("/people", {"addresses": "x@x.example", "role": str(weak)}).status_code == 303
    assert helper.submit(f"/people/{someone}/disable").status_code == 303
    assert len(events(admin, "rights.rights_refused")) == 9


def test_what_a_role_is_called_decides_nothing(app: Flask, crowd: Crowd, admin: Any) -> None:
    impostor = crowd.role({"user:manage", "role:manage", *LEAD}, EVERYTHING, name="owner")
    _, email = crowd.person(impostor)
    client = client_of(app, "acme")
    assert client.sign_in(email, PASSWORD).status_code == 303
    for role in ("owner", "admin"):
        assert client.submit(f"/people/{crowd.id_of('agent')}/role", {"role": role}).status_code == 403
    assert client.submit(f"/people/{crowd.id_of('owner')}/disable").status_code == 403
    assert role_of(admin, "agent@acme.example") == "agent"


def test_the_last_owner_stays(owner: PageClient, crowd: Crowd, admin: Any, acme: Scope, inside: Any) -> None:
    owner_id = crowd.id_of("owner")
    for change in (
        lambda scope: actions.change_role(scope, owner_id, "admin"),
        lambda scope: actions.disable_user(scope, owner_id),
    ):
        with pytest.raises(FairleadError, match="last owner"), inside(acme):
            change(queries.system_scope(acme.tenant_id))
    invited = owner.submit("/people", {"addresses": "second@x.example", "role": "owner"})
    assert invited.status_code == 303
    with pytest.raises(FairleadError, match="last owner"), inside(acme):
        actions.disable_user(queries.system_scope(acme.tenant_id), owner_id)
    assert role_of(admin, "owner@acme.example") == "owner"


def test_two_owners_who_demote_each_other_at_once(
    app: Flask, acme: Scope, crowd: Crowd, inside: Any, admin: Any
) -> None:
    for _ in range(5):
        first = crowd.id_of("owner")
        second, email = crowd.person("owner")
        scopes = [replace(acme, user_id=one, now=now()) for one in (first, second)]
        start, outcomes = threading.Barrier(2), []

        def demote(asker: Scope, target: Any, start: Any = start, outcomes: list[str] = outcomes) -> None:
            start.wait()
            try:
                with inside(asker):
                    actions.change_role(asker, target, "admin")
                outcomes.append("done")
            except FairleadError as refused:
                outcomes.append(type(refused).__name__)

        threads = [
            threading.Thread(target=demote, args=(scopes[0], second)),
            threading.Thread(target=demote, args=(scopes[1], first)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(outcomes)[-1] == "done", outcomes
        assert outcomes.count("done") == 1, outcomes
        assert admin.execute("select count(*) from users where role = 'owner' and email like '%acme%'").fetchone() == (
            1,
        )
        admin.execute("update users set role = 'owner' where email = 'owner@acme.example'")
        admin.execute("delete from users where email = %s", (email,))


def test_disabled_means_out_at_once_and_back_as_before(
    app: Flask, owner: PageClient, as_role: AsRole, crowd: Crowd
) -> None:
    agent, path = as_role("agent"), f"/people/{crowd.id_of('agent')}"
    assert owner.submit(f"{path}/disable").status_code == 303
    assert agent.get("/leads/").status_code == 303
    assert client_of(app, "acme").sign_in("agent@acme.example", PASSWORD).status_code == 422
    assert "Disabled" in owner.get(path).text_of("#account")
    assert owner.submit(f"{path}/enable").status_code == 303
    assert agent.get("/leads/").status_code == 303, "sessions do not come back"
    assert client_of(app, "acme").sign_in("agent@acme.example", PASSWORD).status_code == 303


def test_signed_out_everywhere(owner: PageClient, as_role: AsRole, crowd: Crowd) -> None:
    agents = [as_role("agent"), as_role("agent")]
    path = f"/people/{crowd.id_of('agent')}"
    assert "2 browsers" in owner.get(path).text_of("#account")
    assert owner.submit(f"{path}/sessions/delete").status_code == 303
    assert [one.get("/leads/").status_code for one in agents] == [303, 303]


def test_ones_own_page_offers_nothing(owner: PageClient, crowd: Crowd) -> None:
    page = owner.get(f"/people/{crowd.id_of('owner')}")
    assert "This is you" in page.text_of("main")
    assert not page.soup.select("form[action$='/role'], form[action$='/disable']")
