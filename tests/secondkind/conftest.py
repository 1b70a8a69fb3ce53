"""An application with a second kind of record, for this folder only: afterwards nothing knows of gadgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask

from app import create_app
from app.config import Settings
from app.core import access
from app.core import db as database
from app.core.records import kind as kinds
from app.core.scope import Scope
from app.extensions import Base, db
from migrations.records import create_record_table, drop_record_table
from tests.support import servers
from tests.support.clients import PageClient
from tests.support.world import World

KEY = sa.Text(collation="C")


def upgrade() -> None:
    """The kind's migration."""
    create_record_table(
        "gadgets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("colour", sa.Text),
        sa.Column("price", sa.Numeric(15, 2)),
        sa.Column("price_currency", sa.Text),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("price_order", sa.BigInteger, nullable=False),
        order=("name_key", "price_order"),
    )


def _migrate(settings: Settings, step: Callable[[], None]) -> None:
    engine = database.migrator_engine(settings)
    with engine.begin() as connection:
        connection.execute(sa.text("set role fairlead_owner"))
        with Operations.context(MigrationContext.configure(connection)):
            step()
    engine.dispose()


@pytest.fixture(scope="package")
def whole_app(settings: Settings, admin: psycopg.Connection[Any]) -> Iterator[Flask]:
    """Everything there is, and gadgets."""
    _migrate(settings, upgrade)
    servers._RESET.clear()
    made = create_app(servers.with_settings(settings, extra_kinds=("tests.secondkind.routes", "tests.secondkind.api")))
    made.test_client_class = PageClient
    yield made
    with made.app_context():
        db.engine.dispose()
    _migrate(settings, lambda: drop_record_table("gadgets"))
    servers._RESET.clear()
    kinds._kinds.pop("gadget")
    access.KINDS.discard("gadget")
    Base.metadata.remove(Base.metadata.tables["gadgets"])


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    """acme's gadgets."""
    return World(acme, inside, kinds.kind_named("gadget"))


@pytest.fixture
def globex_world(globex: Scope, inside: Callable[..., Any]) -> World:
    return World(globex, inside, kinds.kind_named("gadget"))
