"""The wall between tenants, the shape of a tenant's row, and the one commit.

Each transaction begins by telling PostgreSQL its tenant, transaction-locally, so the row-level security
policies hold in requests, jobs and commands alike, and nothing leaks through a pooled connection.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Flask, g, has_app_context
from sqlalchemy import Connection, DateTime, Engine, Integer, Uuid, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, SessionTransaction, mapped_column
from sqlalchemy.pool import NullPool

from app.config import Settings
from app.core.clock import new_id
from app.core.scope import NOBODY, WrongTenant, current_tenant, is_read_only
from app.extensions import db

log = logging.getLogger(__name__)

AfterCommit = Callable[[], object]
_SET_TENANT = text("select set_config('app.tenant_id', :tenant, true)")
_SET_TENANT_READ_ONLY = text(
    "select set_config('app.tenant_id', :tenant, true), set_config('transaction_read_only', 'on', true)"
)
_OPTIONS = "-c timezone=UTC"


class TenantRow:
    """Columns of every tenant's table: the key starts with the tenant, ids are UUIDv7."""

    tenant_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, default=lambda: tenant_of_session(db.session()), sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id, sort_order=-19)


class Versioned:
    """Times of a row, and the number that lets the second of two writers know it came second."""

    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), sort_order=91)
    version: Mapped[int] = mapped_column(Integer, default=1, sort_order=92)


def tenant_of_session(session: Session) -> UUID:
    """The tenant the session's transaction was opened for."""
    tenant = session.info.get("tenant", None) or current_tenant()
    if not isinstance(tenant, UUID):
        raise RuntimeError("A tenant's row was about to be written outside any tenant.")
    return tenant


@event.listens_for(Session, "after_begin")
def _enter_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Tells PostgreSQL the tenant of this transaction, and whether it may write.

    Raises:
        TenantNotSet: nobody has said which tenant.
    """
    if transaction.nested:
        return
    tenant = current_tenant()
    session.info["tenant"] = tenant
    statement = _SET_TENANT_READ_ONLY if is_read_only() else _SET_TENANT
    connection.execute(statement, {"tenant": "" if tenant is NOBODY else str(tenant)})


@event.listens_for(Session, "do_orm_execute")
def _stay_in_tenant(state: ORMExecuteState) -> None:
    """Raises WrongTenant when the tenant was changed while a transaction of another was open."""
    _check_tenant(state.session)


@event.listens_for(Session, "before_flush")
def _flush_in_tenant(session: Session, *_: Any) -> None:
    _check_tenant(session)


def _check_tenant(session: Session) -> None:
    if "tenant" in session.info and session.info["tenant"] != current_tenant():
        raise WrongTenant("A transaction of another tenant is still open: commit or roll back first.")


@event.listens_for(Session, "after_transaction_end")
def _leave_tenant(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("tenant", None)


def after_commit(step: AfterCommit, *, key: object = None, last: bool = False) -> None:
    """Runs `step` once the transaction is committed, and never if it is rolled back.

    Steps with the same `key` run once, where the first stood; with `last`, after all that waits so far. A step that
    fails is logged: the sweep picks up what it left behind.
    """
    steps: dict[object, AfterCommit] = db.session().info.setdefault("after_commit", {})
    if last:
        steps.pop(key, None)
    steps[key if key is not None else object()] = step


def before_commit(step: AfterCommit, *, key: object) -> None:
    """Runs `step` at the end of this transaction, inside it: for what many calls gather. What it raises undoes all.

    Steps with the same `key` run once, the first of them.
    """
    db.session().info.setdefault("before_commit", {}).setdefault(key, step)


def gathering_step(key: object) -> AfterCommit | None:
    """The step of this key that waits for the end of the transaction, if there is one."""
    return db.session().info.get("before_commit", {}).get(key)


def waiting_step(key: object) -> AfterCommit | None:
    """The step of this key that waits for the commit, if there is one."""
    return db.session().info.get("after_commit", {}).get(key)


def commit() -> None:
    """The one commit at the end of a request, job or command, then everything that waited for it."""
    if not db.session.registry.has():
        return
    session = db.session()
    for step in session.info.pop("before_commit", {}).values():
        step()
    session.commit()
    for step in session.info.pop("after_commit", {}).values():
        try:
            step()
        except Exception:
            log.exception("after_commit_failed")


def rollback() -> None:
    session = db.session()
    session.rollback()
    session.info.pop("before_commit", None)
    session.info.pop("after_commit", None)


def engine_options(settings: Settings) -> dict[str, Any]:
    """Few connections, a short wait for one, and every session in UTC.

    No pre-ping: `_refuse_dead_connection` finds a connection that a restart closed without asking the server.
    """
    return {
        "pool_size": settings.pool_size,
        "max_overflow": 2,
        "pool_timeout": 5,
        "pool_recycle": 1800,
        # Values would stand in the text of every exception, and so in the log.
        "hide_parameters": True,
        "connect_args": {"options": _OPTIONS, "connect_timeout": 3},
    }


def init_app(app: Flask, settings: Settings) -> None:
    """Binds the engine."""
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "checkout", _refuse_dead_connection)
        event.listen(db.engine, "before_cursor_execute", _count)


def _count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    """How many statements a request sent: in its log line, and asserted by tests. Naming the tenant is none."""
    if has_app_context() and not statement.startswith("select set_config('app.tenant_id'"):
        g.queries = g.get("queries", 0) + 1


def _refuse_dead_connection(dbapi_connection: Any, record: Any, proxy: Any) -> None:
    """An idle connection with something to read was closed by the server: take another.

    Costs two microseconds, where a ping costs a round trip.
    """
    if dbapi_connection.closed:
        raise DisconnectionError("This connection is closed.")
    poll = select.poll()
    poll.register(dbapi_connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if poll.poll(0):
        raise DisconnectionError("The server closed this connection.")


def sqlalchemy_url(url: str) -> str:
    """The address with psycopg 3 named as the driver; `postgresql://` alone would mean psycopg2."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same address for psycopg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def migrator_engine(settings: Settings) -> Engine:
    """An engine for deployment: migrations, and the few tables the app role may only read."""
    return create_engine(sqlalchemy_url(settings.migrator_url), poolclass=NullPool, connect_args={"options": _OPTIONS})


@contextmanager
def as_migrator(settings: Settings) -> Iterator[Session]:
    """A session with the rights of deployment, for commands; commits at the end, or rolls back."""
    engine = migrator_engine(settings)
    try:
        with Session(engine) as session, session.begin():
            yield session
    finally:
        engine.dispose()
