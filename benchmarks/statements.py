"""What the database is asked: `python -m benchmarks.statements`.

Prints how many statements a list page sends with 20 and with 200 rows, and for each search the time of its
statement and the index its plan uses, explained as the app role behind the policies.
"""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import patch

import psycopg
from flask import g

from app import create_app
from app.core import cache
from app.core import db as database
from app.core.records import listing, queries
from benchmarks import PASSWORD, data
from benchmarks.measuring import token_of

SEARCHES = {
    "0.5 % of the rows": "astronomer:*",
    "common word": "sales:*",
    "two words": "sales:* & oslo:*",
    "three common words": "competitor:* & renewal:* & trial:*",
    "prefix": "ast:*",
    "no match": "zzzz:*",
    "a tag": "'#segment 20'",
}
_LIMITS = (21, queries.COUNT_CAP + 1, queries.SEARCH_CAP + 1)


def main() -> None:
    for rows in (20, 200):
        print(f"a list page of {rows} rows sends {count_statements(rows)} statements")
    print(
        "\n| search in 1,000,000 | page of 21, ms | count to 1,001 | all, to 10,001 | plan of the page |\n"
        "|---|---|---|---|---|"
    )
    with psycopg.connect(database.libpq_url(data.settings_of(data.MILLION).database_url)) as connection:
        for name, terms in SEARCHES.items():
            times = " | ".join(f"{_milliseconds(connection, terms, most):.1f}" for most in _LIMITS)
            print(f"| {name} | {times} | {_plan(connection, terms)} |", flush=True)


def count_statements(rows: int, plan: data.Plan = data.HUNDRED, query: str = "") -> int:
    """Statements of a list page of so many rows, with nothing of it cached; signing in is not counted."""
    with patch.object(listing, "PAGE_SIZE", rows):
        counted, page = _counted(plan, f"/{plan.table}/{query}")
    assert page.count(b"data-row>") == rows, page.count(b"data-row>")
    return counted


def count_page(plan: data.Plan, path: str) -> int:
    """Statements of a page for somebody whose session, rights and settings are known."""
    return _counted(plan, path)[0]


def _counted(plan: data.Plan, path: str) -> tuple[int, bytes]:
    settings = data.settings_of(plan)
    app = create_app(settings)
    client = app.test_client()
    counted: list[int] = []
    app.teardown_request(lambda error: counted.append(g.get("queries", 0)))
    slug = plan.tenants[0][0]
    token = token_of(client.get(f"/t/{slug}/sign-in").data)
    client.post(
        f"/t/{slug}/sign-in", data={"csrf_token": token, "email": f"owner@{slug}.example", "password": PASSWORD}
    )
    client.get(f"/t/{slug}{path}")
    with psycopg.connect(database.libpq_url(settings.migrator_url)) as connection:
        (tenant,) = connection.execute("select id from tenants where slug = %s", (slug,)).fetchone() or ("",)
    with app.app_context():
        cache.bump(tenant, plan.kind)
    page = client.get(f"/t/{slug}{path}")
    return counted[-1], page.data


def _milliseconds(connection: psycopg.Connection[Any], terms: str, most: int) -> float:
    """The best of five, in a transaction of the app role with the tenant set."""
    best = float("inf")
    for _ in range(5):
        with connection.transaction():
            _enter(connection)
            began = time.perf_counter()
            connection.execute("select count(*) from search_leads(%s, null, null, %s)", (terms, most)).fetchall()
            best = min(best, (time.perf_counter() - began) * 1000)
    return best


def _plan(connection: psycopg.Connection[Any], terms: str) -> str:
    """The index below the definer function, by explaining the statement it runs as its owner would."""
    settings = data.settings_of(data.MILLION)
    with psycopg.connect(database.libpq_url(settings.migrator_url)) as migrator:
        (tenant,) = migrator.execute("select id from tenants where slug = 'big'").fetchone() or ("",)
        rows = migrator.execute(
            "explain select id from leads where tenant_id = %s and deleted_at is null and search @@ %s::tsquery "
            "order by id desc limit 21",
            (tenant, terms),
        ).fetchall()
    used = [word for row in rows for word in row[0].split() if word.startswith(("ix_leads", "leads_pkey", "pk_leads"))]
    return ", ".join(dict.fromkeys(used)) or "no index"


def _enter(connection: psycopg.Connection[Any]) -> None:
    connection.execute("select set_config('app.tenant_id', (select id from tenants where slug = 'big')::text, true)")


if __name__ == "__main__":
    main()
