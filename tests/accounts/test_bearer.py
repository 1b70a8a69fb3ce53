"""What a token opens, and what it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.accounts import actions, queries
from app.accounts.models import ApiToken, User
from app.accounts.rules import PERSONAL, new_token
from app.core import cache
from app.core.clock import now
from app.core.errors import Invalid
from app.core.events import EventRow, turn_over
from app.extensions import db
from tests.support.programs import personal_token, program_of, signed_in_program

ME = "/api/auth/me"


@pytest.fixture
def token(inside, acme):
    return personal_token(inside, acme)


def test_a_personal_token_says_who_it_is(app, token, acme):
    answer = program_of(app, bearer=token).get(ME)
    assert answer.status_code == 200
    assert answer.json["email"] == "owner@acme.example"
    assert answer.json["permissions"] == sorted(acme.permissions)
    assert answer.json["organisation"]["slug"] == "acme"
    assert "Set-Cookie" not in answer.headers


def test_an_access_token_does_too(app, inside, acme):
    made = signed_in_program(inside, acme)
    assert program_of(app, bearer=made.access).get(ME).json["email"] == "owner@acme.example"


def test_the_token_names_the_organisation_when_the_address_does_not(app, token, inside, acme):
    for bearer in (token, signed_in_program(inside, acme).access):
        answer = program_of(app, "", bearer).get(ME)
        assert answer.status_code == 200
        assert answer.json["organisation"]["slug"] == "acme"


def test_a_token_of_another_organisation_is_403_in_words(app, token, inside, acme):
    for bearer in (token, signed_in_program(inside, acme).access):
        answer = program_of(app, "globex", bearer).get(ME)
        assert answer.status_code == 403
        assert "another organisation" in answer.get_data(as_text=True)


def test_no_token_is_401_with_the_scheme_alone(app):
    answer = program_of(app).get(ME)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Fairlead"'


@pytest.mark.parametrize("tenant", ["acme", ""])
def test_what_is_no_token_is_401_invalid_token(app, tenant, acme):
    bad = [
        "x",
        "flp_",
        "a.b.c",
        "....",
        new_token(PERSONAL, acme.tenant_id)[:-1],
        new_token(PERSONAL, acme.tenant_id) + "x",
        new_token("flr", acme.tenant_id),
        "é".encode().decode("latin-1"),
        "x" * 5_000,
        "{}",
        new_token(PERSONAL, acme.tenant_id),
        new_token(PERSONAL, acme.user_id).upper(),
    ]
    for text in bad:
        answer = program_of(app, tenant, text).get(ME)
        assert answer.status_code == 401, text
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_an_organisation_that_does_not_exist_is_an_unknown_token(app, acme):
    answer = program_of(app, "", new_token(PERSONAL, acme.user_id)).get(ME)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_other_ways_to_send_a_token_are_none(app, token, as_role):
    program = program_of(app)
    assert program.get(f"{ME}?access_token={token}").status_code == 401
    assert program.get(ME, headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert program.get(ME, headers={"Authorization": f"bearer  {token}"}).status_code == 200
    assert as_role("owner").get(ME).status_code == 401, "a cookie counts for nothing under /api/"


def test_a_token_opens_no_page(app, token):
    assert program_of(app, bearer=token).get("/leads").status_code == 303


def test_no_more_than_its_scopes_and_no_more_than_its_owner(app, inside, acme, scope_in):
    token = personal_token(inside, acme, "lead:read", "lead:update")
    assert program_of(app, bearer=token).get(ME).json["permissions"] == ["lead:read", "lead:update"]
    with inside(acme):
        db.session.execute(update(User).where(User.id == acme.user_id).values(role="viewer"))
        turn_over(acme.tenant_id, "user")
    assert program_of(app, bearer=token).get(ME).json["permissions"] == ["lead:read"]


def test_a_disabled_person_loses_every_token_at_the_next_request(app, inside, scope_in, acme):
    agent = scope_in("acme", "agent")
    programs = [program_of(app, bearer=personal_token(inside, agent)), program_of(app)]
    programs[1].bearer = signed_in_program(inside, agent).access
    assert [program.get(ME).status_code for program in programs] == [200, 200]
    with inside(acme):
        db.session.execute(update(User).where(User.id == agent.user_id).values(disabled_at=now()))
        turn_over(acme.tenant_id, "user")
    assert [program.get(ME).status_code for program in programs] == [401, 401]


def test_sign_out_everywhere_ends_programs_too(app, inside, acme):
    program = program_of(app, bearer=signed_in_program(inside, acme).access)
    assert program.get(ME).status_code == 200
    with inside(acme):
        actions.end_sessions(acme, acme.user_id)
    assert program.get(ME).status_code == 401


def test_a_revoked_token_opens_nothing_from_the_next_request_on(app, inside, acme):
    token = personal_token(inside, acme)
    program = program_of(app, bearer=token)
    assert program.get(ME).status_code == 200
    with inside(acme):
        row = db.session.scalars(select(ApiToken)).one()
        actions.revoke_api_token(acme, acme.user_id, row.id)
    assert program.get(ME).status_code == 401


def test_an_expired_token_opens_nothing(app, inside, acme, admin):
    program = program_of(app, bearer=personal_token(inside, acme))
    admin.execute("update api_tokens set expires_at = now() - interval '1 second'")
    assert program.get(ME).status_code == 401


def test_a_suspended_organisation_is_403(app, app_context, token, admin):
    admin.execute("update tenants set suspended_at = now() where slug = 'acme'")
    cache.bump(queries.GLOBAL, queries.TENANT_KIND)
    for tenant in ("acme", ""):
        assert program_of(app, tenant, token).get(ME).status_code == 403


def test_used_at_is_marked_every_five_minutes_at_most(app, token, admin, inside, acme):
    program = program_of(app, bearer=token)
    used = "select last_used_at from api_tokens"
    program.get(ME)
    first = admin.execute(used).fetchone()[0]
    assert now() - first < timedelta(minutes=1)
    with inside(acme):
        turn_over(acme.tenant_id, "api_token")
    program.get(ME)
    assert admin.execute(used).fetchone()[0] == first
    admin.execute("update api_tokens set last_used_at = last_used_at - interval '6 minutes'")
    with inside(acme):
        turn_over(acme.tenant_id, "api_token")
    program.get(ME)
    assert admin.execute(used).fetchone()[0] > first - timedelta(seconds=1)


def test_reading_a_token_again_costs_no_statement(app, token, count_queries):
    program = program_of(app, bearer=token)
    program.get(ME)
    assert count_queries(program.get(ME)) == 0


def test_the_token_is_kept_as_a_hash_only(app, token, admin):
    row = admin.execute("select row_to_json(api_tokens)::text from api_tokens").fetchone()[0]
    assert token not in row
    assert token[-20:] not in row


def test_making_and_revoking_are_events(app, inside, acme):
    personal_token(inside, acme, "lead:read")
    with inside(acme):
        row = db.session.scalars(select(ApiToken)).one()
        actions.revoke_api_token(acme, acme.user_id, row.id)
    with inside(acme):
        events = db.session.scalars(select(EventRow).where(EventRow.subject_kind == "api_token").order_by(EventRow.id))
        assert [(event.type, event.data["owner"]) for event in events] == [
            ("api_token.created", str(acme.user_id)),
            ("api_token.revoked", str(acme.user_id)),
        ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["tenant:manage"]}, "scopes"),
        ({"scopes": ["no:such"]}, "scopes"),
        ({"days": 0}, "expires"),
        ({"days": 366}, "expires"),
    ],
)
def test_what_cannot_be_is_refused(inside, scope_in, wrong, field):
    agent = scope_in("acme", "agent")
    given = {"name": "Sync", "scopes": ["lead:read"], "days": 30} | wrong
    expires = agent.now + timedelta(days=given.pop("days"))
    with pytest.raises(Invalid) as refused, inside(agent):
        actions.create_api_token(agent, expires_at=expires, **given)
    assert set(refused.value.errors) == {field}
