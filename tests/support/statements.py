"""What the database is asked, and by which plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from app.extensions import db


def statements(call: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements that `call` sends, with their parameters."""
    sent: list[tuple[str, Any]] = []
    engine = db.session.connection().engine
    listener = lambda c, cursor, sql, params, context, many: sent.append((sql, params))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        call()
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    return sent


def plan_of(sql: str, params: Any) -> str:
    """The plan of a statement as the app role has it, below the policies."""
    return "\n".join(row[0] for row in db.session.connection().exec_driver_sql(f"explain {sql}", params))


@contextmanager
def plans_within(connection: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """The plans of all statements of a superuser's connection, those inside of functions included."""
    told: list[str] = []
    keep = lambda notice: told.append(notice.message_primary or "")  # noqa: E731
    connection.execute("load 'auto_explain'")
    names = {"log_min_duration": "0", "log_nested_statements": "on", "log_level": "notice", "log_timing": "off"}
    for name, value in names.items():
        connection.execute(f"set auto_explain.{name} = {value}".encode())
    connection.add_notice_handler(keep)
    try:
        yield told
    finally:
        connection.remove_notice_handler(keep)
        connection.execute("set auto_explain.log_min_duration = -1")
