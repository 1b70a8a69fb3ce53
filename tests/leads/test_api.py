"""Leads as a resource: the rules of the pages, in JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.core.records import actions
from app.core.scope import Scope
from tests.support.programs import Program, personal_token, program_of
from tests.support.world import World

FULL = {
    "first_name": "Ida",
    "last_name": "Jöns",
    "email": "ida@example.com",
    "phone": "+12125550100",
    "company": "Café",
    "website": "https://example.com",
    "source": "event",
    "rating": "hot",
    "estimated_value": "1250.50",
    "currency": "EUR",
    "tags": ["fair", "North"],
    "do_not_contact": True,
    "last_contacted_at": "2026-02-03T04:05:06Z",
    "next_follow_up": "2026-12-24",
}


@pytest.fixture
def program(app: Flask, inside: Any, acme: Scope) -> Program:
    """acme's owner's."""
    return program_of(app, "acme", personal_token(inside, acme))


@pytest.fixture
def lead(world: World) -> str:
    return f"/api/leads/{world.add(last_name='Doe', email='doe@example.com')}"


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    told: dict[str, Any] = answer.get_json()
    assert told["status"] == status
    assert told["detail"]
    assert told["reference"] == answer.headers["X-Request-ID"]
    return told


def test_make_read_change_delete(program: Program, world: World) -> None:
    made = program.post("/api/leads", json=FULL)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    body = made.get_json()
    assert {name: body[name] for name in FULL} == FULL
    assert (body["status"], body["owner_id"], body["version"], body["city"]) == ("new", None, 1, None)
    assert body["created_at"].endswith("Z")
    address = made.headers["Location"]
    assert address == f"/t/acme/api/leads/{body['id']}"
    read = program.get(address)
    assert (read.get_json(), read.headers["ETag"]) == (body, '"1"')
    changed = program.patch(address, json={"city": "Oslo", "rating": None}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.get_json()["city"], changed.get_json()["rating"], changed.get_json()["company"]) == (
        "Oslo",
        None,
        "Café",
    )
    assert world.event_types(UUID(body["id"])) == ["created", "changed"]
    gone = program.delete(address)
    assert (gone.status_code, gone.get_data()) == (204, b"")
    problem(program.get(address), 404)
    problem(program.delete(address), 404)


def test_the_list_is_the_pages_list(program: Program, world: World) -> None:
    world.add_many([{"last_name": f"Doe {n:02}", "tags": "red" if n % 2 else "blue"} for n in range(45)])
    for query, count in (
        ("", 45),
        ("?q=doe", 45),
        ("?q=07", 1),
        ("?tags=red", 22),
        ("?status=new&status=lost", 45),
        ("?status=lost", 0),
        ("?do_not_contact=true", 0),
    ):
        first = program.get(f"/api/leads{query}").get_json()
        assert first["count"] == {"value": count, "capped": False}, query
        assert len(first["items"]) == min(20, count)
    named, address = [], "/api/leads?sort=name&limit=20"
    while address:
        answer = program.get(address)
        named += [item["last_name"] for item in answer.get_json()["items"]]
        links = {
            part.partition('rel="')[2].rstrip('"'): part.partition(">")[0].lstrip(" <")
            for part in answer.headers.get("Link", "").split(", <")
        }
        cursor = answer.get_json()["next"]
        assert (cursor is None) == ("next" not in links)
        address = links.get("next", "")
    assert named == [f"Doe {n:02}" for n in range(45)]
    back = program.get(f"/api/leads?sort=name&limit=20&cursor={answer.get_json()['previous']}").get_json()
    assert [item["last_name"] for item in back["items"]] == named[20:40]
    assert len(program.get("/api/leads?limit=100").get_json()["items"]) == 45
    assert len(program.get("/api/leads?q=doe&limit=44").get_json()["items"]) == 44


@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"),
     ("sort=oops", "sort"), ("cursor=oops", "cursor"), ("status=oops", "status"), ("columns=all", "columns"),
     ("owner_id=nobody", "owner_id"), ("estimated_value_min=1,5", "estimated_value_min"), ("x=1", "x"),
     ("next_follow_up_from=2026-02-30", "next_follow_up_from"), ("do_not_contact=maybe", "do_not_contact"),
     ("q=" + "a" * 201, "q"), ("&".join(["tags=a"] * 21), "tags"), ("tags=" + "a" * 51, "tags")],
)  # fmt: skip
def test_what_a_list_cannot_be_asked_is_said(program: Program, query: str, name: str) -> None:
    told = problem(program.get(f"/api/leads?{query}"), 422)
    assert list(told["errors"]) == [name]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"email": "x"}, "email"),
        ({"email": "a@b..c"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"source": "oops"}, "source"),
        ({"estimated_value": "-1"}, "estimated_value"),
        ({"estimated_value": 12}, "estimated_value"),
        ({"currency": "XXQ"}, "currency"),
        ({"next_follow_up": "2026-13-01"}, "next_follow_up"),
        ({"tags": "a"}, "tags"),
        ({"tags": ["a,b"]}, "tags"),
        ({"tags": [str(n) for n in range(31)]}, "tags"),
        ({"do_not_contact": "yes"}, "do_not_contact"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"owner_id": str(uuid4())}, "owner_id"),
        ({"owner_id": "owner@acme.example"}, "owner_id"),
        ({"what": 1}, "what"),
        ({"last_name": ["x"]}, "last_name"),
    ],
)
def test_what_cannot_be_stored_is_said_and_nothing_is(
    program: Program, world: World, change: dict[str, Any], name: str
) -> None:
    lead = world.add(last_name="Doe")
    before = world.row(lead), world.all_events()
    for answer in (
        program.post("/api/leads", json={"last_name": "Roe"} | change),
        program.patch(f"/api/leads/{lead}", json={"version": 1} | change),
    ):
        assert list(problem(answer, 422)["errors"]) == [name]
    assert (world.row(lead), world.all_events()) == before


def test_rules_across_fields_hold(program: Program, lead: str) -> None:
    assert "last_name" in problem(program.post("/api/leads", json={"city": "Oslo"}), 422)["errors"]
    assert "last_name" in problem(program.post("/api/leads", json={}), 422)["errors"]
    empty = {"last_name": None, "email": None, "version": 1}
    assert "last_name" in problem(program.patch(lead, json=empty), 422)["errors"]


def test_a_status_moves_by_its_lifecycle(program: Program, lead: str, world: World) -> None:
    moved = program.patch(lead, json={"status": "contacted", "city": "Oslo", "version": 1})
    assert (moved.status_code, moved.get_json()["status"], moved.get_json()["city"]) == (200, "contacted", "Oslo")
    assert moved.headers["ETag"] == '"3"'
    assert world.event_types(UUID(lead[-36:])) == ["created", "changed", "moved"]
    assert (
        "cannot become" in problem(program.patch(lead, json={"status": "new", "version": 3}), 422)["errors"]["status"]
    )
    assert (
        "needs a reason" in problem(program.patch(lead, json={"status": "lost", "version": 3}), 422)["errors"]["reason"]
    )
    assert "reason" in problem(program.patch(lead, json={"reason": "Why", "version": 3}), 422)["errors"]
    lost = program.patch(lead, json={"status": "lost", "reason": "No budget"}, headers={"If-Match": '"3"'})
    assert lost.get_json()["status"] == "lost"
    # A move that is refused undoes what came with it.
    refused = program.patch(lead, json={"status": "converted", "city": "Rome", "version": 4})
    assert (refused.status_code, program.get(lead).get_json()["city"]) == (422, "Oslo")


def test_a_whole_number_may_be_written_with_a_point(program: Program, lead: str) -> None:
    """Found by fuzzing: to JSON Schema 1.0 is an integer, and it was a 500."""
    sent = {"data": '{"city": "Oslo", "version": 1.0}', "content_type": "application/json"}
    program.patch(lead, json={"city": "Rome", "version": 1})
    assert program.patch(lead, **sent).status_code == 409
    sent["data"] = '{"company": "Acme", "version": 1.0}'
    assert program.patch(lead, **sent).status_code == 200


def test_versions(program: Program, lead: str, world: World) -> None:
    record = UUID(lead[-36:])
    problem(program.patch(lead, json={"city": "Oslo"}), 428)
    world.change(record, city="Rome")
    told = problem(program.patch(lead, json={"city": "Oslo"}, headers={"If-Match": '"1"'}), 412)
    assert (told["mine"], told["theirs"], told["version"]) == ({"city": "Oslo"}, {"city": "Rome"}, 2)
    told = problem(program.patch(lead, json={"city": "Oslo", "version": 1}), 409)
    assert (told["mine"], told["theirs"], told["version"]) == ({"city": "Oslo"}, {"city": "Rome"}, 2)
    other = program.patch(lead, json={"company": "Acme", "version": 1})
    assert other.status_code == 200, "somebody changed another field"
    problem(program.patch(lead, json={"company": "B"}, headers={"If-Match": 'W/"3"'}), 412)
    assert (
        "version"
        in problem(program.patch(lead, json={"company": "B", "version": 2}, headers={"If-Match": '"3"'}), 422)["errors"]
    )
    assert program.patch(lead, json={"company": "B"}, headers={"If-Match": "*"}).status_code == 200
    problem(program.delete(lead, headers={"If-Match": '"3"'}), 412)
    assert program.delete(lead, headers={"If-Match": '"4"'}).status_code == 204


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"", "application/json", 400),
     (b'{"last_name": "a", "last_name": "b"}', "application/json", 400), (b"\xff{}", "application/json", 400),
     (b"last_name=Doe", "application/x-www-form-urlencoded", 415), (b"{}", "text/plain", 415), (b"{}", "", 415),
     (b'{"last_name": "' + b"a" * 2_100_000 + b'"}', "application/json", 413)],
)  # fmt: skip
def test_bodies_that_cannot_be_read(
    program: Program, lead: str, world: World, body: bytes, kind: str, status: int
) -> None:
    before = world.all_events()
    for ask, address in ((program.post, "/api/leads"), (program.patch, lead)):
        problem(ask(address, data=body, content_type=kind), status)
    assert world.all_events() == before


def test_every_error_is_a_problem(program: Program, app: Flask, lead: str) -> None:
    nobody = program_of(app, "acme")
    assert problem(nobody.get("/api/leads"), 401)
    assert nobody.get("/api/leads").headers["WWW-Authenticate"].startswith("Bearer")
    assert problem(nobody.get("/api/nowhere"), 404)
    assert problem(program.get("/api/leads/oops"), 404)
    assert problem(program_of(app, "nobody").get("/api/leads"), 404)
    wrong = program.put("/api/leads", json={})
    problem(wrong, 405)
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_permissions(app: Flask, inside: Any, scope_in: Callable[..., Scope], lead: str, role: str) -> None:
    scope = scope_in("acme", role)
    whole, narrow = (program_of(app, "acme", personal_token(inside, scope, *scopes)) for scopes in ((), ("lead:read",)))
    may = role == "agent"
    assert whole.get(lead).status_code == narrow.get(lead).status_code == 200
    assert whole.post("/api/leads", json={"last_name": "Roe"}).status_code == (201 if may else 403)
    for write in (
        narrow.post("/api/leads", json={"last_name": "Roe"}),
        narrow.patch(lead, json={"city": "Oslo", "version": 1}),
        narrow.delete(lead),
    ):
        problem(write, 403)


def test_reach_holds(as_custom_role: Any, app: Flask, inside: Any, world: World, scope_in: Any, crowd: Any) -> None:
    """The API shows what the pages show, and refuses what they refuse."""
    allowed = {f"lead:{action}" for action in ("read", "create", "update", "delete")}
    person, _ = crowd.person(crowd.role(allowed, {"lead": ("all", "own")}))
    hermit, _ = crowd.person(crowd.role(allowed, {"lead": ("own", "own")}))
    theirs, mine = world.add(last_name="Theirs"), world.add(last_name="Mine")
    with inside(world.scope):
        actions.update_record(world.scope, world.kind, mine, 1, {"owner_id": person})
    from app.accounts.queries import user_scope
    from app.core.clock import now

    programs = []
    for user in (person, hermit):
        with inside(world.scope):
            scope = user_scope(world.scope.tenant_id, user, now())
        programs.append(program_of(app, "acme", personal_token(inside, scope)))
    seeing, alone = programs
    assert seeing.get("/api/leads").get_json()["count"]["value"] == 2
    assert alone.get("/api/leads").get_json()["count"]["value"] == 0
    problem(seeing.patch(f"/api/leads/{theirs}", json={"city": "Oslo", "version": 1}), 403)
    problem(seeing.delete(f"/api/leads/{theirs}"), 403)
    assert seeing.patch(f"/api/leads/{mine}", json={"city": "Oslo", "version": 2}).status_code == 200
    told = problem(seeing.patch(f"/api/leads/{mine}", json={"owner_id": str(hermit), "version": 3}), 422)
    assert "Your role does not allow" in told["errors"]["owner_id"]
    for ask in (alone.get, alone.delete):
        problem(ask(f"/api/leads/{theirs}"), 404)
    problem(alone.patch(f"/api/leads/{theirs}", json={"city": "Oslo", "version": 1}), 404)
    made = alone.post("/api/leads", json={"last_name": "Own"})
    assert made.get_json()["owner_id"] == str(hermit)
    assert alone.get("/api/leads").get_json()["count"]["value"] == 1


def test_another_tenants_are_unknown(app: Flask, inside: Any, globex: Scope, lead: str, world: World) -> None:
    stranger = program_of(app, "globex", personal_token(inside, globex))
    before = world.all_events()
    for ask, more in (
        (stranger.get, {}),
        (stranger.delete, {}),
        (stranger.patch, {"json": {"city": "Oslo", "version": 1}}),
    ):
        foreign, unknown = (ask(address, **more) for address in (lead, f"/api/leads/{uuid4()}"))
        assert problem(foreign, 404)["detail"] == problem(unknown, 404)["detail"]
    assert world.all_events() == before


def test_it_costs_no_more_statements_than_the_page(program: Program, world: World, count_queries: Any) -> None:
    world.add_many([{"last_name": f"Doe {n}"} for n in range(60)])
    program.get("/api/leads")
    assert count_queries(program.get("/api/leads?limit=1")) == count_queries(program.get("/api/leads?limit=60")) <= 3
