"""How fast tickets are: `python -m benchmarks.tickets [CASE …]`, each page against the floor of the same address.

One tenant's 100,000 tickets of 1,000,000; the floor (`benchmarks.ticket_floor`) sends the very SQL of the page. What a
list page asks the database, at 20 and 200 rows, and the plans below it are printed as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlencode

import psycopg

from app.core import db as database
from benchmarks import data, desk, measuring, statements
from benchmarks.floor import HEADINGS, Line, Pair
from benchmarks.measuring import Client

FORM = {
    "subject": "Cannot pay the invoice of last month",
    "description": "The page says my payment was refused, and then it closes. Please look into it today.",
    "requester_name": "Ada Bench",
    "requester_email": "ada.bench@example.org",
    "customer": "Bench Optics",
    "priority": "high",
    "channel": "phone",
}
LISTS = {
    "newest first": "?queue=all",
    "all open, due first": "?queue=open",
    "mine": "?queue=mine",
    "unassigned": "?queue=unassigned",
    "sort: due, all": "?sort=due",
    "sort: updated": "?sort=updated",
    "sort: priority": "?sort=priority",
    "filter: closed": "?status=closed",
}
SEARCHES = {
    "a number": "99000",
    "a requester's address": "{mail}",
    "a word of a conversation": "{said}",
    "a common word": "invoice",
    "two common words": "invoice problem",
    "prefix of three letters": "pas",
    "no match": "zzzz",
}


def lists(pair: Pair) -> None:
    """The first page of 100,000 after a change, by queue and order; cached; among sixteen."""
    for name, query in LISTS.items():
        pair.compare(name, "t01", f"/tickets/{query}", rounds=150)
    pair.compare("newest first, filters, menus and views made anew", "t01", "/tickets/?queue=all",
                 kinds=("ticket", "user", "ticket-views"))  # fmt: skip
    pair.crowd("newest first, 16 clients", "t01", "/tickets/?queue=all", stale=True)
    real, floor = pair.page("t01"), Client(pair.floor)
    floor.keep_cookies(floor.get("/sign-in"))
    hello: list[Callable[[], object]] = [
        lambda: real.get("/t/t01/tickets/?queue=all"),
        lambda: floor.get("/hello-session"),
    ]
    print(Line("newest first, cached, against hello with a session", *measuring.interleave(hello, 500)), flush=True)


def searches(pair: Pair) -> None:
    """Over number, subject, requester and conversation; against the same SQL, and the floor of the plain list."""
    plain = pair.compare("newest first, no search", "t01", "/tickets/?queue=all", rounds=80)
    known = _known(pair)
    for name, text in SEARCHES.items():
        query = urlencode({"q": text.format(**known)})
        line = pair.compare(f"search: {name}", "t01", f"/tickets/?{query}", rounds=80)
        print(f"    p95 ÷ p95 of the plain list's floor: {line.page.p95 / plain.floor.p95:.1f}")


def pages(pair: Pair) -> None:
    """A ticket with 200 entries, and one with none."""
    long, short = _tickets(pair)
    pair.compare(f"ticket with {desk.ENTRIES} entries", "t01", f"/tickets/{long}")
    pair.compare("ticket without a conversation", "t01", f"/tickets/{short}")


def writes(pair: Pair) -> None:
    """A new ticket by its form, service levels and classifier at work, against one INSERT in one transaction."""
    real, floor = pair.page(desk.TRAINED), Client(pair.floor)
    body = urlencode({**FORM, "csrf_token": pair.cookies[desk.TRAINED][1].decode()}).encode()
    calls: list[Callable[[], object]] = [
        lambda: real.send(b"POST", f"/t/{desk.TRAINED}/tickets/", body, (303,)),
        lambda: floor.send(b"POST", f"/{pair.ids[desk.TRAINED]}/tickets", body, (303,)),
    ]
    print(Line("create a ticket", *measuring.interleave(calls, 200)), flush=True)


CASES = {"lists": lists, "searches": searches, "pages": pages, "writes": writes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[*CASES, "statements"])
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each case is measured")
    asked = parser.parse_args()
    measuring.SCALE = asked.scale
    if unknown := set(asked.cases) - {*CASES, "statements"}:
        sys.exit(f"No such case: {', '.join(sorted(unknown))}. There are {', '.join([*CASES, 'statements'])}.")
    chosen = [CASES[name] for name in asked.cases if name in CASES]
    if chosen:
        print(HEADINGS)
        with ExitStack() as stack:
            ports = [
                stack.enter_context(measuring.serving(data.TICKETS, app, port))
                for app, port in (("real", 8730), ("floor", 8731))
            ]
            pair = Pair(data.TICKETS, *ports)
            for case in chosen:
                case(pair)
    if "statements" in asked.cases:
        _statements()


def _statements() -> None:
    print()
    for rows in (20, 200):
        counted = statements.count_statements(rows, data.TICKETS, "?queue=all")
        print(f"a list page of {rows} tickets sends {counted} statements")
    with psycopg.connect(database.libpq_url(data.settings_of(data.TICKETS).migrator_url)) as connection:
        rows = connection.execute("select id from tickets order by tenant_id, id desc limit 1").fetchall()
    print(f"a page of a ticket sends {statements.count_page(data.TICKETS, f'/tickets/{rows[0][0]}')} statements")


def _tickets(pair: Pair) -> tuple[str, str]:
    """The newest ticket with a long conversation, and the newest without."""
    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        rows = connection.execute(
            "select id from tickets where tenant_id = %s and status = 'open' order by id desc limit %s",
            (pair.ids["t01"], desk.LONG * 4),
        ).fetchall()
    return str(rows[0][0]), str(rows[-1][0])


def _known(pair: Pair) -> dict[str, str]:
    """An address and a rare word of a ticket in the middle."""
    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        row = connection.execute(
            "select requester_email, split_part(conversation_text, ' ', 5) from tickets where tenant_id = %s and "
            "number = 50000", (pair.ids["t01"],)
        ).fetchone()  # fmt: skip
    assert row is not None
    return {"mail": row[0], "said": row[1]}


if __name__ == "__main__":
    main()
