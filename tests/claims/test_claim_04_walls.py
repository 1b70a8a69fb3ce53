"""Claims 3 and 4: without a tenant nothing is seen, and no code of ours is needed to keep tenants apart."""

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.accounts.models import User
from app.core import db as database
from app.core.scope import TenantNotSet, WrongTenant, no_tenant, tenant_context
from app.extensions import db

TENANT_TABLES = """
    select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1
"""


@pytest.fixture
def raw(app, settings):
    """A plain connection as the app role: what SQL injection, or a forgotten WHERE, would have."""
    with psycopg.connect(database.libpq_url(settings.database_url)) as connection:
        yield connection


@pytest.fixture
def filled(acme, globex, inside):
    """Both tenants have something in every table that this file looks at."""
    from app.accounts.actions import create_user

    for scope in (acme, globex):
        with inside(scope):
            create_user(scope, email="extra@x.example", name="Extra", role="agent", password="long enough it is")


def _enter(connection, scope):
    connection.execute("select set_config('app.tenant_id', %s, true)", (str(scope.tenant_id),))


def test_claim_04_the_suite_runs_as_the_app_role(raw):
    assert raw.execute("select current_user, session_user").fetchone() == ("fairlead_app", "fairlead_app")


def test_claim_04_raw_sql_sees_only_its_tenant(raw, admin, filled, acme, globex):
    tables = [name for (name,) in admin.execute(TENANT_TABLES).fetchall()]
    assert len(tables) >= 5
    for scope in (acme, globex):
        for table in tables:
            _enter(raw, scope)
            (foreign,) = raw.execute(
                f"select count(*) from {table} where tenant_id <> %s", (scope.tenant_id,)
            ).fetchone()
            assert foreign == 0, table
            raw.rollback()
    (everyone,) = admin.execute("select count(distinct tenant_id) from users").fetchone()
    assert everyone == 2, "the test would prove nothing if there were one tenant"


def test_claim_04_no_tenant_sees_nothing(raw, admin, filled):
    for (table,) in admin.execute(TENANT_TABLES).fetchall():
        assert raw.execute(f"select count(*) from {table}").fetchone() == (0,), table


def test_claim_04_after_a_transaction_nothing_is_left(raw, filled, acme):
    """The setting is '' then and not NULL: the policy must not fail on it, and must not match."""
    _enter(raw, acme)
    assert raw.execute("select count(*) from users").fetchone()[0] > 0
    raw.commit()
    assert raw.execute("select current_setting('app.tenant_id', true)").fetchone() == ("",)
    assert raw.execute("select count(*) from users").fetchone() == (0,)


def test_claim_04_a_foreign_row_cannot_be_written(raw, acme, globex):
    _enter(raw, acme)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(
            "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_name, data, at) values "
            "(%s, gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x', '{}', now())",
            (globex.tenant_id,),
        )
    raw.rollback()
    _enter(raw, acme)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("update users set tenant_id = %s", (globex.tenant_id,))
    raw.rollback()
    _enter(raw, acme)
    assert raw.execute("update users set name = 'x' where tenant_id = %s", (globex.tenant_id,)).rowcount == 0
    assert raw.execute("delete from users where tenant_id = %s", (globex.tenant_id,)).rowcount == 0


def test_claim_04_a_foreign_key_cannot_cross(raw, acme, globex):
    _enter(raw, acme)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        raw.execute(
            "insert into user_sessions (tenant_id, id, token_hash, user_id, created_at, last_seen_at, expires_at) "
            "values (%s, gen_random_uuid(), 'x', %s, now(), now(), now())",
            (acme.tenant_id, globex.user_id),
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update events set data = '{}'",
        "delete from events",
        "truncate events",
        "alter table events disable row level security",
        "drop policy tenant on events",
        (
            "insert into tenants (id, slug, name, zone, locale, region, currency, created_at) "
            "values (gen_random_uuid(), 'evil', 'x', 'UTC', 'en', 'US', 'USD', now())"
        ),
        "update tenants set slug = 'x'",
        "update tenants set suspended_at = now()",
        "delete from tenants",
        "set role fairlead_owner",
        "set row_security = off; select count(*) from users",
        "create table mine (id int)",
        "create function mine() returns int language sql as 'select 1'",
    ],
)
def test_claim_04_and_35_what_the_app_role_cannot_do(raw, acme, statement):
    _enter(raw, acme)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(statement)


def test_claim_04_settings_are_changed_of_the_own_tenant_only(raw, acme, globex):
    _enter(raw, acme)
    assert raw.execute("update tenants set name = 'x' returning slug").fetchall() == [("acme",)]


def test_claim_04_no_tenant_set_is_an_exception(app_context):
    with pytest.raises(TenantNotSet):
        db.session.scalars(select(User)).all()
    db.session.rollback()
    with no_tenant():
        assert db.session.scalars(select(User)).all() == []


def test_claim_04_orm_without_where_sees_one_tenant(inside, filled, acme, globex):
    for scope in (acme, globex):
        with inside(scope):
            assert {user.tenant_id for user in db.session.scalars(select(User))} == {scope.tenant_id}


def test_claim_04_a_row_of_another_tenant_is_refused_by_the_orm_too(inside, acme, globex):
    with pytest.raises(ProgrammingError), inside(acme):
        at = acme.now
        db.session.add(
            User(
                tenant_id=globex.tenant_id,
                email="a",
                email_key="a",
                name="a",
                role="agent",
                created_at=at,
                updated_at=at,
            )
        )
        db.session.flush()


def test_claim_04_a_get_cannot_write(client, app, acme):
    """Requests that only read run in a read-only transaction: the database refuses, whatever the code does."""
    with app.app_context(), tenant_context(acme.tenant_id):
        from app.core.scope import reset_read_only, set_read_only

        token = set_read_only(True)
        try:
            with pytest.raises(DBAPIError, match="read-only transaction"):
                db.session.execute(text("update users set name = 'x'"))
        finally:
            reset_read_only(token)
            db.session.rollback()


def test_claim_04_twelve_threads_on_four_connections(app, acme, globex):
    """Roll-backs, savepoints, errors and nested tenants, mixed: no read ever sees another tenant."""
    scopes = (acme, globex)
    wrong: list[str] = []
    barrier = threading.Barrier(12)

    def work(number: int) -> int:
        dice = Random(number)
        reads = 0
        barrier.wait()
        for _ in range(40):
            scope = dice.choice(scopes)
            with app.app_context(), tenant_context(scope.tenant_id):
                for _ in range(dice.randint(1, 4)):
                    seen = set(db.session.scalars(text("select distinct tenant_id from users")))
                    reads += 1
                    if seen != {scope.tenant_id}:
                        wrong.append(f"{scope.tenant_slug} saw {seen}")
                    _disturb(dice)
                db.session.rollback()
        return reads

    with ThreadPoolExecutor(12) as pool:
        reads = sum(pool.map(work, range(12)))
    assert not wrong
    assert reads > 400


def _disturb(dice: Random) -> None:
    match dice.randint(0, 4):
        case 0:
            db.session.rollback()
        case 1:
            db.session.commit()
        case 2:
            try:
                with db.session.begin_nested():
                    db.session.execute(text("select 1 / 0"))
            except DBAPIError:
                pass
        case 3:
            try:
                db.session.execute(text("select no_such_column from users"))
            except DBAPIError:
                db.session.rollback()


def test_claim_03_without_the_policies_these_tests_would_fail(raw, admin, filled, acme):
    """What protects is the policy and nothing else: with it gone, a raw read shows both tenants."""
    admin.execute("alter table users disable row level security")
    try:
        _enter(raw, acme)
        assert raw.execute("select count(distinct tenant_id) from users").fetchone() == (2,)
        raw.rollback()
    finally:
        admin.execute("alter table users enable row level security")
    _enter(raw, acme)
    assert raw.execute("select count(distinct tenant_id) from users").fetchone() == (1,)


def test_claim_04_changing_tenant_inside_a_transaction_is_an_exception(app_context, acme, globex):
    """The open transaction still belongs to the first: what follows must not be done there by mistake."""
    with tenant_context(acme.tenant_id):
        assert len(db.session.scalars(select(User)).all()) == 5
        with tenant_context(globex.tenant_id):
            with pytest.raises(WrongTenant):
                db.session.scalars(select(User)).all()
            with pytest.raises(WrongTenant):
                db.session.execute(text("select 1"))
        db.session.rollback()
        with tenant_context(globex.tenant_id):
            assert {user.tenant_id for user in db.session.scalars(select(User))} == {globex.tenant_id}
        db.session.rollback()


def test_looking_a_tenant_up_keeps_the_work_in_progress(app, inside, acme, admin):
    from app.accounts import queries
    from app.core import cache

    with inside(acme):
        db.session.execute(text("update users set name = 'Kept' where role = 'agent'"))
        cache.bump(queries.GLOBAL, queries.TENANT_KIND)
        assert queries.system_scope(acme.tenant_id).tenant_slug == "acme"
    assert admin.execute("select count(*) from users where name = 'Kept'").fetchone() == (1,)
