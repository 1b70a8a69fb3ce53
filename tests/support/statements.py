"""What the database is asked, and by which plan."""

from __future__ import annotations

from collections.abc import Callable
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


def scans(connection: psycopg.Connection[Any], *relations: str) -> list[int]:
    """How often this transaction has gone through these tables (from end to end) and indexes, in functions too."""
    counts = connection.execute(
        "select pg_stat_get_xact_numscans(n::regclass) from unnest(%s::text[]) n", (list(relations),)
    )
    return [row[0] for row in counts]
