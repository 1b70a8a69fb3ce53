"""The schema that migrations make is the one the models describe, and migrations are one line that goes back."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core import db as database
from app.core import migrating
from app.embedded import create_database, drop_database, ensure_servers
from app.extensions import Base
from tests.support import servers


def test_migrations_equal_models(app, settings):
    engine = database.migrator_engine(settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": _only_ours, "compare_server_default": False}
        )
        different = [change for change in compare_metadata(context, Base.metadata) if not _is_expected(change)]
    engine.dispose()
    assert not different


def test_migrations_are_one_line(app):
    script = ScriptDirectory.from_config(migrating.config())
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    for number, revision in enumerate(reversed(revisions), start=1):
        assert revision.revision == f"{number:04d}", "revisions are numbered in order"
        assert not revision.is_merge_point


@pytest.fixture
def empty_database(test_servers):
    own = ensure_servers(servers.STATE, pg_version=servers.pg_version(), fast=True)
    name = f"{test_servers.database}_empty"
    drop_database(own, name)
    yield create_database(own, name)
    drop_database(own, name)


def test_migrations_go_down_and_up_again(app, settings, empty_database):
    there = servers.with_settings(settings, migrator_url=empty_database.migrator_url)
    migrating.upgrade(there)
    migrating.downgrade(there, "base")
    with psycopg.connect(database.libpq_url(empty_database.migrator_url)) as connection:
        left = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"
        ).fetchall()
        functions = connection.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert left == [("alembic_version",)]
    assert functions == []
    migrating.upgrade(there)


def _only_ours(name, kind, parents):
    return kind != "schema" or name in (None, "public")


def _is_expected(change):
    """Alembic's own table is in no model."""
    return change[0] == "remove_table" and change[1].name == "alembic_version"
