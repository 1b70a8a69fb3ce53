"""What gunicorn serves in a benchmark: the real application, or the floor under it (`BENCH_APP`).

The floor is what nobody can beat on this stack: one Flask route, psycopg with the tenant set, the very SQL of
the real page, and its rows through plain Jinja; no accounts, no cache, no formatting, no layout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import redis
from flask import Flask, Response, redirect, request, session
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from werkzeug.datastructures import MultiDict

from app import create_app
from app.core import db as database
from app.core.clock import new_id, now
from app.core.records import listing, queries
from app.core.records.fields import ParseContext
from app.core.scope import Scope
from app.leads.definition import LEADS, derive
from benchmarks import data
from benchmarks.ticket_floor import add_tickets

_ROWS = """<!doctype html><title>Leads</title><table><tbody>
{% for row in rows %}
<tr id="record-{{ row.id }}">
<td><input type="checkbox" name="ids" value="{{ row.id }}" aria-label="Select {{ row.title }}"></td>
<td><a href="/leads/{{ row.id }}">{{ row.title }}</a></td>
{% for name in columns %}<td data-label="{{ name }}">{{ row[name] }}</td>{% endfor %}
</tr>
{% endfor %}
</tbody></table><p>{{ count }}</p>"""
_RECORD = """<!doctype html><title>Lead</title><dl>
{% for name, value in record.items() %}
<dt>{{ name }}</dt><dd><a href="/leads/{{ record.id }}/fields/{{ name }}/edit">{{ value }}</a></dd>
{% endfor %}
</dl><ol>
{% for event in events %}
<li><strong>{{ event.actor_name }}</strong> {{ event.type }} <time>{{ event.at }}</time>
{% for key, value in event.data.items() %}<span>{{ key }} {{ value }}</span>{% endfor %}</li>
{% endfor %}
{% for note in notes %}<li>{{ note.body }}</li>{% endfor %}
</ol>"""


class Floor:
    """The floor's database: a few connections, and the application's statements as text, made once per address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: SimpleQueue[psycopg.Connection[dict[str, Any]]] = SimpleQueue()
        self._made: dict[str, tuple[str, dict[str, Any]]] = {}

    @contextmanager
    def transaction(self, tenant: str) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
        try:
            connection = self._free.get_nowait()
        except Empty:
            connection = psycopg.connect(self._url, row_factory=dict_row)
        try:
            with connection.cursor() as cursor:
                cursor.execute("select set_config('app.tenant_id', %s, true)", (tenant,))
                yield cursor
            connection.commit()
        finally:
            self._free.put(connection)

    def statement(self, key: str, make: Callable[[], Any]) -> tuple[str, dict[str, Any]]:
        if key not in self._made:
            compiled = make().compile(dialect=PGDialect_psycopg(), compile_kwargs={"render_postcompile": True})
            self._made[key] = (str(compiled), dict(compiled.params))
        return self._made[key]


def make_floor(plan: data.Plan) -> Flask:
    settings = data.settings_of(plan)
    app = Flask(__name__)
    app.secret_key = settings.secret_key
    floor = Floor(database.libpq_url(settings.database_url))
    store = redis.Redis.from_url(settings.redis_url)
    store.set("bench:session", json.dumps({"user_id": "1", "role": "agent", "name": "Olivia"}))
    scope: Any = SimpleNamespace(user_id=None)
    # Made once: `render_template_string` would compile them for every request.
    rows_page, record_page = app.jinja_env.from_string(_ROWS), app.jinja_env.from_string(_RECORD)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/sign-in")
    def sign_in() -> str:
        session["_user_id"] = "x" * 43
        return "signed in"

    @app.get("/hello-session")
    def hello_session() -> str:
        found = store.get("bench:session") if "_user_id" in session else None
        return f"hello {json.loads(found)['name']}" if found else "hello stranger"

    @app.get("/<tenant>/leads/")
    def list_(tenant: str) -> str:
        state = _state(request.args)
        key = request.query_string.decode()
        page = floor.statement(
            "page?" + key, lambda: queries._page_query(scope, LEADS, state).limit(listing.PAGE_SIZE + 1)
        )
        number = floor.statement("count?" + key, lambda: queries.count_query(scope, LEADS, state))
        with floor.transaction(tenant) as cursor:
            rows = cursor.execute(page[0].encode(), page[1]).fetchall()[: listing.PAGE_SIZE]
            count = next(iter((cursor.execute(number[0].encode(), number[1]).fetchone() or {}).values()))
        for row in rows:
            row["title"] = f"{row['first_name']} {row['last_name']}"
        return rows_page.render(rows=rows, columns=state.columns, count=count)

    @app.get("/<tenant>/count")
    def count(tenant: str) -> str:
        state = _state(request.args)
        sql = floor.statement(
            "exact?" + request.query_string.decode(), lambda: queries.count_query(scope, LEADS, state, exact=True)
        )
        with floor.transaction(tenant) as cursor:
            return str(cursor.execute(sql[0].encode(), sql[1]).fetchone())

    @app.get("/<tenant>/leads/<lead>")
    def record(tenant: str, lead: str) -> str:
        with floor.transaction(tenant) as cursor:
            found = cursor.execute("select * from leads where id = %s and deleted_at is null", (lead,)).fetchone()
            events = cursor.execute(
                "select * from events where subject_id = %s order by id desc limit 31", (lead,)
            ).fetchall()
            ids = [event["data"]["note_id"] for event in events if "note_id" in event["data"]]
            notes = cursor.execute(
                "select * from notes where kind = 'lead' and record_id = %s and id = any(%s::uuid[])", (lead, ids)
            ).fetchall()
        return record_page.render(record=found, events=events, notes=notes)

    @app.post("/<tenant>/leads")
    def create(tenant: str) -> Response:
        row = _new_row(tenant, request.form)
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        with floor.transaction(tenant) as cursor:
            cursor.execute(f"insert into leads ({names}) values ({places})".encode(), row)
        return redirect(f"/{tenant}/leads/{row['id']}", 303)  # type: ignore[return-value]

    if plan.kind == "ticket":
        add_tickets(app, floor, settings)
    return app


def _state(args: MultiDict[str, str]) -> listing.ListRequest:
    context = ParseContext(Scope(UUID(int=0), "", ""), _AnyPerson())
    return listing.read(LEADS, args.to_dict(flat=False), context)


class _AnyPerson(dict[str, UUID]):
    """People are filtered by their id, which the floor takes as it comes."""

    def get(self, key: str, default: Any = None) -> Any:
        return UUID(key)


def _new_row(tenant: str, form: MultiDict[str, str]) -> dict[str, Any]:
    empty = {spec.name: spec.default for spec in LEADS.fields}
    typed = {name: text for name, text in form.items() if name in empty}
    values = empty | typed | {"status": "new", "tags": [], "do_not_contact": False}
    values["estimated_value"] = Decimal(form["estimated_value"])
    at = now()
    own = {"tenant_id": tenant, "id": new_id(), "created_at": at, "updated_at": at, "version": 1}
    return values | derive(values) | own


def make() -> Flask:
    plan = next(plan for plan in data.PLANS if plan.name == os.environ["BENCH_PLAN"])
    return make_floor(plan) if os.environ["BENCH_APP"] == "floor" else create_app(data.settings_of(plan))


if "BENCH_APP" in os.environ:
    app = make()
