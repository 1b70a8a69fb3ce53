"""Nobody of a tenant comes to the console, the console is at no tenant's address, and its login reaches little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from app import create_app
from app.accounts.rules import ROLES
from app.config import Settings
from app.core import db as database
from app.core.records.kind import all_kinds
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.console import ConsoleClient, console_client
from tests.support.routes import ask, console_rules_of, methods_of, need_of
from tests.support.servers import with_settings
from tests.support.world import World


def _ids(rule: Any, acme: Scope) -> dict[str, Any]:
    return {name: acme.tenant_id if name == "tenant_id" else uuid4() for name in rule.arguments}


def test_there_are_routes(app: Flask) -> None:
    assert len(console_rules_of(app)) > 12


@pytest.mark.parametrize("role", ROLES)
def test_nobody_of_a_tenant_gets_in(app: Flask, as_role: Callable[..., PageClient], acme: Scope, role: str) -> None:
    client = as_role(role)
    client.get("/leads/")
    for rule in console_rules_of(app):
        for method in methods_of(rule):
            answer = ask(client, rule, method, _ids(rule, acme))
            assert answer.status_code == 404, f"{method} {rule.rule} as {role}: {answer.status_code}"


@pytest.mark.parametrize("base", ["http://acme.localhost/", "http://globex.localhost/"])
def test_not_at_a_tenants_host_even_for_an_operator(app: Flask, opal: ConsoleClient, base: str) -> None:
    assert opal.get("/operator/tenants", base_url=base).status_code == 404
    assert opal.get("/operator/sign-in", base_url=base).status_code == 404
    assert opal.get("/operator/tenants", headers={"X-Tenant-ID": "acme"}).status_code == 404
    assert opal.get("/t/acme/operator/tenants").status_code == 404


def test_signed_out_leads_to_its_sign_in(app: Flask, nobody: ConsoleClient, acme: Scope) -> None:
    for rule in console_rules_of(app):
        if need_of(app, rule) == "public":
            continue
        for method in methods_of(rule):
            answer = ask(nobody, rule, method, _ids(rule, acme))
            assert answer.status_code == 303, f"{method} {rule.rule}: {answer.status_code}"
            assert answer.location.startswith("/operator/sign-in"), f"{method} {rule.rule}"


def test_the_operator_is_nobody_in_a_tenant(opal: ConsoleClient) -> None:
    assert opal.get("/t/acme/leads/").location.startswith("/t/acme/sign-in")


def test_without_a_login_there_is_no_console(app: Flask, settings: Settings, acme: Scope) -> None:
    bare = create_app(with_settings(settings, operator_url=""))
    client = console_client(bare)
    client.get("/")
    for rule in console_rules_of(bare):
        for method in methods_of(rule):
            answer = ask(client, rule, method, _ids(rule, acme))
            assert answer.status_code == 404, f"{method} {rule.rule}: {answer.status_code}"


def test_no_connection_until_the_console_is_used(settings: Settings, app: Flask, admin: Any) -> None:
    opened = (
        "select count(*) from pg_stat_activity where usename = 'fairlead_operator' and datname = current_database()"
    )
    (before,) = admin.execute(opened).fetchone()
    fresh = create_app(settings)
    client = client_of(fresh, "acme")
    client.sign_in("owner@acme.example", "correct horse battery")
    assert client.get("/leads/").status_code == 200
    assert admin.execute(opened).fetchone() == (before,)
    console_client(fresh).enter("A" * 32)
    assert admin.execute(opened).fetchone() == (before + 1,)


def test_every_write_needs_the_consoles_own_token(opal: ConsoleClient, app: Flask, acme: Scope, done: Any) -> None:
    elsewhere = client_of(app, "acme")
    token = elsewhere.csrf()
    before = done()
    for rule in console_rules_of(app):
        if "POST" in methods_of(rule):
            path = rule.rule.replace("<uuid:tenant_id>", str(acme.tenant_id))
            for name in rule.arguments:
                path = path.replace(f"<uuid:{name}>", str(uuid4()))
            for data in ({}, {"csrf_token": token}):
                assert opal.post(path, data=data).status_code in {400, 403}, path
    assert done() == before


@pytest.fixture
def login(settings: Settings, app: Flask) -> Any:
    with psycopg.connect(database.libpq_url(settings.operator_url), autocommit=True) as connection:
        yield connection


def test_the_app_login_sees_nothing_of_the_operators(settings: Settings, app: Flask) -> None:
    with psycopg.connect(database.libpq_url(settings.database_url), autocommit=True) as connection:
        for name in ("operators", "operator_sessions", "operator_guards", "operator_events"):
            for statement in (f"select * from {name}", f"delete from {name}", f"insert into {name} default values"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())


ITS_OWN = {"operators", "operator_sessions", "operator_guards", "operator_events"}
READS = {
    "tenants": None,
    "users": {
        *("tenant_id", "id", "name", "email", "role"),
        *("invited_at", "joined_at", "last_sign_in_at", "disabled_at"),
    },
    "events": {"tenant_id", "id", "at"},
    "leads": {"tenant_id", "id", "deleted_at"},
    "tickets": {"tenant_id", "id", "deleted_at"},
}


def test_claim_02_the_operators_login_has_these_rights_and_no_others(admin: Any) -> None:
    flags = admin.execute(
        "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication from pg_roles "
        "where rolname = 'fairlead_operator'"
    ).fetchone()
    assert flags == (False, False, False, False, False)
    assert admin.execute(
        "select count(*) from pg_auth_members where member = 'fairlead_operator'::regrole"
    ).fetchone() == (0,)
    assert admin.execute("select count(*) from pg_class where relowner = 'fairlead_operator'::regrole").fetchone() == (
        0,
    )
    tables = [name for (name,) in admin.execute("select tablename from pg_tables where schemaname = 'public'")]
    has = "select has_table_privilege('fairlead_operator', %s, %s)"
    for name in tables:
        for right in ("delete", "truncate", "references", "trigger"):
            may = admin.execute(has, (name, right)).fetchone()[0]
            assert may is (right == "delete" and name in {"operator_sessions", "operator_guards"}), f"{right} {name}"
        may_update = admin.execute(has, (name, "update")).fetchone()[0]
        assert may_update is (name in ITS_OWN - {"operator_events"}), f"update {name}"
        may_insert = admin.execute(has, (name, "insert")).fetchone()[0]
        assert may_insert is (name in ITS_OWN | {"tenants", "events", "outbox"}), f"insert {name}"
        columns = {
            column
            for column, readable in admin.execute(
                "select attname::text, has_column_privilege('fairlead_operator', attrelid, attnum, 'select') "
                "from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
                (name,),
            )
            if readable
        }
        if name not in ITS_OWN and READS.get(name, set()) is not None:
            assert columns == READS.get(name, set()), f"select {name}"


def test_its_update_of_tenants_is_suspension_only(login: Any) -> None:
    for column in ("slug = 'x'", "name = 'x'", "policy = '{}'", "id = gen_random_uuid()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute(f"update tenants set {column}".encode())
    assert login.execute("update tenants set suspended_at = null").rowcount == 2


def test_row_policies_hold_for_it(login: Any, world: World, acme: Scope, globex: Scope) -> None:
    world.add()
    assert login.execute("select count(id) from leads").fetchone() == (0,), "no tenant, no rows"
    with login.transaction():
        login.execute("select set_config('app.tenant_id', %s, true)", (str(globex.tenant_id),))
        assert login.execute("select count(id) from leads").fetchone() == (0,)
        assert login.execute("select count(id) from users").fetchone() == (5,)
    with login.transaction():
        login.execute("select set_config('app.tenant_id', %s, true)", (str(acme.tenant_id),))
        assert login.execute("select count(id) from leads").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("select last_name from leads")


def test_every_kind_can_be_counted(login: Any, app: Flask) -> None:
    for kind in all_kinds():
        name = kind.model.__tablename__  # type: ignore[attr-defined]
        login.execute(f"select count(id) from {name} where deleted_at is null".encode())
