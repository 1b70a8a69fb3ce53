"""A pytest plugin: this run's database has no row-level security. For claim 3, which wants to see red.

Used by `pytest -p tests.support.without_policies` in a process, and a database, of its own.
"""

from __future__ import annotations

import psycopg

from app.core import db as database
from tests.support import servers
from tests.support.servers import TestServers

_provide = servers.provide


def _unprotected(worker: str) -> TestServers:
    provided = _provide(worker)
    with psycopg.connect(database.libpq_url(provided.admin_url), autocommit=True) as admin:
        policies = admin.execute("select polrelid::regclass::text, polname from pg_policy").fetchall()
        for table, policy in policies:
            admin.execute(f"drop policy {policy} on {table}".encode())
            admin.execute(f"alter table {table} disable row level security".encode())
            admin.execute(f"alter table {table} no force row level security".encode())
    return provided


servers.provide = _unprotected
