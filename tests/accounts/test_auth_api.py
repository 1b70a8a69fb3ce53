"""Signing in for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from app.accounts import actions, queries
from app.accounts.models import UserSession
from app.core import cache
from app.core.clock import now
from app.extensions import db
from tests.support.programs import personal_token, program_of
from tests.support.servers import PASSWORD

LOGIN, VERIFY, ME = "/api/auth/login", "/api/auth/mfa/verify", "/api/auth/me"
AGENT = {"email": "agent@acme.example", "password": PASSWORD}


def code_of(secret, at):
    return pyotp.TOTP(secret).at(at)


def login(app, tenant="acme", **changes):
    return program_of(app, tenant).post(LOGIN, json={**AGENT, **changes})


@pytest.fixture
def secret(inside, scope_in):
    """The agent's authenticator app, set up a while ago."""
    agent = scope_in("acme", "agent")
    earlier = replace(agent, now=agent.now - timedelta(minutes=5))
    with inside(earlier):
        token = actions.begin_authenticator(earlier)
        found = actions.find_new_secret(earlier, token)
        actions.add_authenticator(earlier, token, code_of(found, earlier.now))
    return found


def test_signs_in_and_sets_no_cookie(app, inside, acme):
    answer = login(app, email=" Agent@ACME.example ")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    body = answer.json
    assert (body["token_type"], body["expires_in"], body["refresh_expires_in"]) == ("Bearer", 900, 7 * 24 * 3600)
    assert body["user"]["email"] == "agent@acme.example"
    assert program_of(app, bearer=body["access_token"]).get(ME).json == body["user"]
    assert program_of(app).post("/api/auth/refresh", json={"refresh_token": body["refresh_token"]}).status_code == 200
    with inside(acme):
        assert db.session.scalars(select(UserSession)).all() == [], "no browser session came of it"


def test_what_does_not_fit_is_answered_alike(app, admin):
    wrong = login(app, password="wrong")
    unknown = login(app, email="nobody@acme.example")
    elsewhere = login(app, email="agent@globex.example")
    admin.execute("update users set disabled_at = now() where email = 'agent@acme.example'")
    disabled = login(app)
    answers = [wrong, unknown, elsewhere, disabled]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json["detail"] for answer in answers} == {actions.REFUSED}
    assert {answer.mimetype for answer in answers} == {"application/problem+json"}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="Fairlead"'}


def test_too_many_tries_lock_here_as_in_a_browser(app, client):
    for _ in range(5):
        assert login(app, password="wrong").status_code == 401
    assert login(app).status_code == 401, "even the right one"
    assert client.sign_in("agent@acme.example", PASSWORD).status_code == 422


def test_no_organisation_is_said(app):
    assert login(app, tenant="").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "x"},
        {"email": "", "password": "x"},
        {"email": 5, "password": "x"},
        {"email": "x", "password": "x" * 201},
        {"email": "x", "password": "x", "role": "owner"},
        {"email": "a\x00b", "password": "x"},
        {"email": "\ud800", "password": "\ud800"},
    ],
)
def test_bad_bodies(app, body):
    answer = program_of(app).post(LOGIN, data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_a_second_factor_is_asked_for(app, secret):
    asked = login(app).json
    assert asked["requires_second_factor"] is True
    assert asked["methods"] == ["totp", "recovery_code"]
    assert "access_token" not in asked
    given = {"challenge": asked["challenge"], "code": code_of(secret, now())}
    answer = program_of(app).post(VERIFY, json=given)
    assert answer.status_code == 200
    assert program_of(app, bearer=answer.json["access_token"]).get(ME).status_code == 200
    assert program_of(app).post(VERIFY, json=given).status_code == 401, "a challenge is answered once"


def test_wrong_codes_are_counted(app, secret):
    challenge = login(app).json["challenge"]
    for _ in range(5):
        assert program_of(app).post(VERIFY, json={"challenge": challenge, "code": "000000"}).status_code == 401
    right = {"challenge": challenge, "code": code_of(secret, now())}
    assert program_of(app).post(VERIFY, json=right).status_code == 401


def test_a_challenge_is_no_token_and_of_its_organisation(app, secret):
    challenge = login(app).json["challenge"]
    given = {"challenge": challenge, "code": code_of(secret, now())}
    assert program_of(app, bearer=challenge).get(ME).status_code == 401
    assert program_of(app, "globex").post(VERIFY, json=given).status_code == 401
    for body in ({"challenge": challenge}, {**given, "recovery_code": "x"}, {"code": "1"}):
        assert program_of(app).post(VERIFY, json=body).status_code == 422


def test_whoever_must_have_one_sets_it_up_in_a_browser(app, admin, app_context):
    admin.execute("update tenants set policy = '{\"second_factor_for\": [\"agent\"]}' where slug = 'acme'")
    cache.bump(queries.GLOBAL, queries.TENANT_KIND)
    answer = login(app)
    assert answer.status_code == 403
    assert "browser" in answer.json["detail"]
    assert login(app, password="wrong").status_code == 401


def test_logout_needs_a_sign_in(app, inside, acme):
    answer = program_of(app, bearer=personal_token(inside, acme)).post("/api/auth/logout")
    assert answer.status_code == 403


def test_it_stands_in_the_description(app):
    paths = program_of(app).get("/api/openapi.json").json["paths"]
    for path in ("/login", "/mfa/verify", "/refresh", "/logout", "/me"):
        assert f"/api/auth{path}" in paths
