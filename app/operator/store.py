"""The operator's own login and its transactions: no connection until the console is used.

The console's transactions are opened and committed here, and not by the pipeline as elsewhere: one request of it
may look into twenty tenants one after the other, each in a transaction of that tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from uuid import UUID

from flask import Flask, current_app
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.core.db import sqlalchemy_url
from app.core.scope import no_tenant, reset_read_only, set_read_only, tenant_context

log = logging.getLogger(__name__)
_EXTENSION = "fairlead.operator.store"
_LATER = "operator.later"


class Store:
    """The engine of `OPERATOR_URL`, made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.operator_url

    @cached_property
    def engine(self) -> Engine:
        return create_engine(
            sqlalchemy_url(self._url),
            pool_size=2,
            max_overflow=4,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"options": "-c timezone=UTC", "connect_timeout": 3},
        )


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions[_EXTENSION] = Store(settings)


def is_there() -> bool:
    """Whether this installation has a login for its operators (`OPERATOR_URL`)."""
    return _EXTENSION in current_app.extensions


@contextmanager
def transaction(tenant_id: UUID | None = None) -> Iterator[Session]:
    """A transaction of the operator's login, of one tenant or of none; commits at the end, or rolls back.

    What was put off with `later` runs after the commit.
    """
    with _session(tenant_id, read_only=False) as session:
        with session.begin():
            yield session
        run_later(session)


@contextmanager
def reading(tenant_id: UUID | None = None) -> Iterator[Session]:
    """The same, in which PostgreSQL refuses every write."""
    with _session(tenant_id, read_only=True) as session:
        yield session


def later(session: Session, step: Callable[[], object]) -> None:
    """Runs `step` once the transaction is committed, and never if it is not. A step that fails is logged."""
    session.info.setdefault(_LATER, []).append(step)


def run_later(session: Session) -> None:
    for step in session.info.pop(_LATER, []):
        try:
            step()
        except Exception:
            log.exception("after_commit_failed")


@contextmanager
def _session(tenant_id: UUID | None, *, read_only: bool) -> Iterator[Session]:
    store: Store = current_app.extensions[_EXTENSION]
    token = set_read_only(read_only)
    try:
        with (
            tenant_context(tenant_id) if tenant_id else no_tenant(),
            Session(store.engine, expire_on_commit=False) as session,
        ):
            yield session
    finally:
        reset_read_only(token)
