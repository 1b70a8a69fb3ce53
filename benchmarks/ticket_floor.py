"""The floor under the pages of tickets: what the application asks the database, asked by psycopg alone.

The statements of a list are taken from the application once per address, with their parameters, as its owner sends
them; the ticket's page asks for the ticket, the newest entries of its conversation, and what its clocks know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from flask import Flask, Response, redirect, request
from sqlalchemy import event, select
from werkzeug.datastructures import MultiDict

from app import create_app
from app.accounts.models import User
from app.accounts.queries import find_person, get_tenant, scope_of
from app.config import Settings
from app.core import db as database
from app.core.clock import new_id, now
from app.core.people import ByAnyName
from app.core.records import listing, queries
from app.core.records.fields import ParseContext
from app.core.scope import Scope, tenant_context
from app.tickets.definition import TICKETS, derive
from app.tickets.models.tickets import NO_DUE

Sent = list[tuple[str, Any]]
_ENTRIES = 51
_ROWS = """<!doctype html><title>Tickets</title><nav>{% for count in counts %}<a>{{ count }}</a>{% endfor %}</nav>
<table><tbody>
{% for row in rows %}
<tr id="record-{{ row.id }}">
<td><input type="checkbox" name="ids" value="{{ row.id }}" aria-label="Select {{ row.subject }}"></td>
<td><a href="/tickets/{{ row.id }}">#{{ row.number }} {{ row.subject }}</a></td>
{% for name in columns %}<td data-label="{{ name }}">{{ row[name] }}</td>{% endfor %}
</tr>
{% endfor %}
</tbody></table><p>{{ count }}</p>"""
_TICKET = """<!doctype html><title>Ticket</title><dl>
{% for name, value in record.items() %}
<dt>{{ name }}</dt><dd><a href="/tickets/{{ record.id }}/fields/{{ name }}/edit">{{ value }}</a></dd>
{% endfor %}
</dl><ol>
{% for one in messages %}<li><strong>{{ one.author_name }}</strong> {{ one.kind }} {{ one.created_at }}
<p>{{ one.body }}</p></li>{% endfor %}
{% for one in events %}<li><strong>{{ one.actor_name }}</strong> {{ one.type }} <time>{{ one.at }}</time>
{% for key, value in one.data.items() %}<span>{{ key }} {{ value }}</span>{% endfor %}</li>{% endfor %}
</ol><ul>{% for one in history %}<li>{{ one.what }} {{ one.at }}</li>{% endfor %}</ul>"""


class Transactions(Protocol):
    """What of the floor is used here (`benchmarks.server.Floor`)."""

    def transaction(self, tenant: str) -> Any: ...


def add_tickets(app: Flask, floor: Transactions, settings: Settings) -> None:
    rows_page, ticket_page = app.jinja_env.from_string(_ROWS), app.jinja_env.from_string(_TICKET)
    asked = _Asked(settings)

    @app.get("/<tenant>/tickets/")
    def list_tickets(tenant: str) -> str:
        sent = asked.by(tenant, request.query_string.decode(), request.args)
        with floor.transaction(tenant) as cursor:
            found = [cursor.execute(sql.encode(), params).fetchall() for sql, params in sent]
        rows, (count,), (counts,) = found[0][: listing.PAGE_SIZE], found[1], found[2]
        return rows_page.render(
            rows=rows, columns=TICKETS.columns, count=next(iter(count.values())), counts=counts.values()
        )

    @app.get("/<tenant>/tickets/<ticket>")
    def show_ticket(tenant: str, ticket: str) -> str:
        newest = "order by id desc limit %s"
        with floor.transaction(tenant) as cursor:
            record = cursor.execute(
                "select * from tickets where id = %s and deleted_at is null", (ticket,)
            ).fetchone()  # fmt: skip
            messages = cursor.execute(
                f"select * from ticket_messages where ticket_id = %s {newest}", (ticket, _ENTRIES)
            ).fetchall()
            events = cursor.execute(
                f"select * from events where subject_id = %s and not type = any(%s) {newest}",
                (ticket, _SAID, _ENTRIES),
            ).fetchall()
            history = cursor.execute(
                "select * from sla_history where ticket_id = %s order by seq", (ticket,)
            ).fetchall()  # fmt: skip
        for name in ("search", "search_text", "conversation_text"):
            record.pop(name)
        entries = sorted([*messages, *events], key=lambda one: one["id"], reverse=True)[: _ENTRIES - 1]
        said = [one for one in entries if "body" in one]
        happened = [one for one in entries if "body" not in one]
        return ticket_page.render(record=record, messages=said, events=happened, history=history)

    @app.post("/<tenant>/tickets")
    def create_ticket(tenant: str) -> Response:
        row = new_row(tenant, request.form)
        places = ", ".join(f"%({name})s" for name in row)
        sql = (
            f"insert into tickets ({', '.join(row)}, number) values ({places}, (select next_ticket_numbers(1)))"
        )  # fmt: skip
        with floor.transaction(tenant) as cursor:
            cursor.execute(sql.encode(), row)
        return redirect(f"/{tenant}/tickets/{row['id']}", 303)  # type: ignore[return-value]


class _Asked:
    """The statements of a list page of which nothing is cached, as the application sends them."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._kept: dict[tuple[str, str], Sent] = {}

    def by(self, tenant: str, key: str, args: MultiDict[str, str]) -> Sent:
        if (tenant, key) not in self._kept:
            with self._app.app_context(), tenant_context(UUID(tenant)):
                self._kept[tenant, key] = _list_statements(owner_of(UUID(tenant)), args)
                database.rollback()
        return self._kept[tenant, key]


def owner_of(tenant: UUID) -> Scope:
    """What the owner may see."""
    user = database.db.session.scalars(select(User.id).where(User.role == "owner")).one()
    who = find_person(tenant, user)
    assert who is not None
    return scope_of(get_tenant(tenant), who, now())


def _list_statements(scope: Scope, args: MultiDict[str, str]) -> Sent:
    context = ParseContext(scope, ByAnyName(scope))
    state = listing.read(TICKETS, args.to_dict(flat=False), context)
    tabs = {queue.name: listing.read(TICKETS, {"queue": [queue.name]}, context) for queue in TICKETS.queues}
    return statements_of(
        lambda: queries.list_records(scope, TICKETS, state), lambda: queries.count_states(scope, TICKETS, tabs)
    )


def statements_of(*calls: Callable[[], object]) -> Sent:
    """The statements that these calls send, with their parameters."""
    sent: Sent = []
    engine = database.db.engine

    def keep(connection: Any, cursor: Any, sql: str, params: Any, context: Any, many: bool) -> None:
        sent.append((sql, params))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        for call in calls:
            call()
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    return sent


def new_row(tenant: str, form: MultiDict[str, str]) -> dict[str, Any]:
    """The columns of a ticket made by this form; its number is taken by the statement."""
    empty = {spec.name: spec.default for spec in TICKETS.fields}
    typed = {name: text or None for name, text in form.items() if name in empty}
    values = empty | typed | {"tags": [], "number": None}
    at = now()
    own = {"tenant_id": tenant, "id": new_id(), "created_at": at, "updated_at": at, "version": 1, "opened_at": at}
    still = {"due_order": NO_DUE, "conversation_text": ""}
    row = values | derive(values) | own | still
    row.pop("number")
    return row


_SAID = ["ticket.replied", "ticket.annotated", "ticket.received", "ticket.reply-withdrawn"]
