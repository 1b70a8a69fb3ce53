"""The real pages beside their floor: `python -m benchmarks.floor [case …]`.

Each case prints p50 and p95 of the page and of the floor (see `benchmarks.server`), and page ÷ floor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlencode

import psycopg
import redis

from app.core import db as database
from benchmarks import data, measuring
from benchmarks.measuring import Client, Figures

FORM = {
    "first_name": "Ada",
    "last_name": "Bench",
    "email": "ada.bench@example.org",
    "phone": "+1 212 555 0123",
    "company": "Bench Optics",
    "job_title": "Buyer",
    "city": "Oslo",
    "estimated_value": "1250.50",
    "currency": "USD",
}
SEARCHES = {
    "rare word": {"q": "{rare}"},
    "0.5 % of the rows": {"q": "astronomer"},
    "common word": {"q": "sales"},
    "two words": {"q": "sales oslo"},
    "prefix of three letters": {"q": "ast"},
    "a tag": {"tags": "segment 20"},
    "common word, by name": {"q": "sales", "sort": "name"},
    "common word, one status": {"q": "sales", "status": "lost"},
}
HEADINGS = "| what | page p50 ms | p95 | floor p50 ms | p95 | ÷ p50 | ÷ p95 |\n|---|---|---|---|---|---|---|"
SORTS = ("oldest", "updated", "name", "-name", "company", "-company", "value", "-value", "follow-up")


@dataclass
class Line:
    """One row of the table that is printed."""

    what: str
    page: Figures
    floor: Figures
    note: str = ""

    def __str__(self) -> str:
        ratio50, ratio95 = self.page.p50 / self.floor.p50, self.page.p95 / self.floor.p95
        rate = f" · {self.page.rate:,.0f}/s against {self.floor.rate:,.0f}/s" if self.page.rate else ""
        return (
            f"| {self.what} | {self.page.p50:.2f} | {self.page.p95:.2f} | {self.floor.p50:.2f} | {self.floor.p95:.2f} "
            f"| {ratio50:.2f} | {ratio95:.2f} |{rate} {self.note}"
        )


@dataclass
class Pair:
    """The real application and the floor, both being served on one database."""

    plan: data.Plan
    real: int
    floor: int
    _stores: dict[str, redis.Redis] = field(default_factory=dict)

    @cached_property
    def settings(self) -> data.Settings:
        return data.settings_of(self.plan)

    @cached_property
    def store(self) -> redis.Redis:
        return redis.Redis.from_url(self.settings.redis_url)

    @cached_property
    def ids(self) -> dict[str, str]:
        """The id of each tenant by its slug."""
        with psycopg.connect(database.libpq_url(self.settings.migrator_url)) as connection:
            return {slug: str(key) for slug, key in connection.execute("select slug, id from tenants")}

    @cached_property
    def cookies(self) -> dict[str, tuple[bytes, bytes]]:
        """A session's cookie and form token per tenant."""
        made = {}
        for slug, _ in self.plan.tenants[:2]:
            client = Client(self.real)
            token = client.sign_in(slug)
            made[slug] = (client.cookie, token)
        return made

    def page(self, slug: str) -> Client:
        client = Client(self.real)
        client.cookie = self.cookies[slug][0]
        return client

    def stale(self, slug: str, *kinds: str) -> None:
        """As after a write: nothing cached of these kinds can be reached any more."""
        for kind in kinds or (self.plan.kind,):
            self.store.hincrby(f"gen:{'all' if kind == 'tenant' else self.ids[slug]}", kind, 1)

    def compare(self, what: str, slug: str, path: str, *, rounds: int = 200, kinds: tuple[str, ...] = ()) -> Line:
        """A page made anew each time, against the floor of the same address."""
        real, floor = self.page(slug), Client(self.floor)
        calls: list[Callable[[], object]] = [
            lambda: real.get(f"/t/{slug}{path}"),
            lambda: floor.get(f"/{self.ids[slug]}{path}"),
        ]
        line = Line(what, *measuring.prepared(lambda: self.stale(slug, *kinds), calls, rounds))
        print(line, flush=True)
        return line

    def crowd(self, what: str, slug: str, path: str, *, stale: bool) -> Line:
        """Sixteen clients at once."""

        def real() -> Callable[[], object]:
            client = self.page(slug)

            def ask() -> None:
                if stale:
                    self.stale(slug)
                client.get(f"/t/{slug}{path}")

            return ask

        def floor() -> Callable[[], object]:
            client = Client(self.floor)

            def ask() -> None:
                if stale:
                    self.stale(slug)
                client.get(f"/{self.ids[slug]}{path}")

            return ask

        line = Line(what, *measuring.together([real, floor]))
        print(line, flush=True)
        return line


def lists(pair: Pair) -> None:
    """The first page of 100,000, with nothing and with everything cached; alone and among sixteen."""
    pair.compare("list, first page, records changed", "t01", "/leads/")
    pair.compare("the same, nothing of the page cached", "t01", "/leads/", kinds=("lead", "lead-views"))
    pair.compare(
        "the same, session, tenant and people forgotten too", "t01", "/leads/", kinds=("lead", "user", "tenant")
    )
    pair.crowd("list, first page, records changed, 16 clients", "t01", "/leads/", stale=True)
    real, floor = pair.page("t01"), Client(pair.floor)
    floor.keep_cookies(floor.get("/sign-in"))
    hello: list[Callable[[], object]] = [lambda: real.get("/t/t01/leads/"), lambda: floor.get("/hello-session")]
    print(Line("list, cached, against hello with a session", *measuring.interleave(hello, 500)), flush=True)


def pages(pair: Pair) -> None:
    """Page 2,500 by its cursor against page 1: the floor column is page 1."""
    cursor = _cursor_of_page(pair, "t01", 2_500)
    for name, slug in (("page 2,500 against page 1", "t01"),):
        client = pair.page(slug)
        calls: list[Callable[[], object]] = [
            lambda: client.get(f"/t/{slug}/leads/?cursor={cursor}"),  # noqa: B023
            lambda: client.get(f"/t/{slug}/leads/"),  # noqa: B023
        ]
        print(Line(name, *measuring.prepared(lambda: pair.stale(slug), calls, 200)), flush=True)  # noqa: B023


def sizes(pair: Pair) -> None:
    """1,000,000 rows in a tenant against 10,000: the floor column is the small tenant."""
    for path in ("/leads/", *(f"/leads/?sort={sort}" for sort in SORTS), "/leads/?status=lost"):
        big, small = pair.page("big"), pair.page("small")
        calls: list[Callable[[], object]] = [
            lambda: big.get(f"/t/big{path}"),  # noqa: B023
            lambda: small.get(f"/t/small{path}"),  # noqa: B023
        ]

        def stale() -> None:
            pair.stale("big")
            pair.stale("small")

        print(Line(f"1,000,000 against 10,000: {path}", *measuring.prepared(stale, calls, 100)), flush=True)


def searches(pair: Pair) -> None:
    """Search in 1,000,000 rows against the same SQL, and against the floor of the plain list."""
    plain = pair.compare("list, first page of 1,000,000", "big", "/leads/", rounds=100)
    for name, params in SEARCHES.items():
        query = urlencode({key: text.format(rare=_rare_word(pair)) for key, text in params.items()})
        line = pair.compare(f"search: {name}", "big", f"/leads/?{query}", rounds=60)
        print(f"    p95 ÷ p95 of the plain list's floor: {line.page.p95 / plain.floor.p95:.1f}")


def filters(pair: Pair) -> None:
    """Each sort, and the filters people use most, in 1,000,000 rows."""
    for sort in SORTS:
        pair.compare(f"sort: {sort}", "big", f"/leads/?sort={sort}", rounds=80)
    owner = _owner(pair, "big")
    chosen = {"status": "lost", "owner_id": owner, "rating": "hot", "estimated_value_min": "100000"}
    for name, value in chosen.items():
        pair.compare(f"filter: {name}", "big", f"/leads/?{urlencode({name: value})}", rounds=80)
    both = urlencode({"status": "lost", "owner_id": owner})
    pair.compare("filter: status and owner", "big", f"/leads/?{both}", rounds=80)
    pair.compare(
        "filter: status, by name", "big", f"/leads/?{urlencode({'status': 'lost', 'sort': 'name'})}", rounds=80
    )


def records(pair: Pair) -> None:
    """A record's page with 200 timeline entries, of which it shows 30."""
    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        row = connection.execute(
            "select subject_id from events where subject_kind = 'lead' and tenant_id = %s "
            "group by subject_id order by count(*) desc limit 1",
            (pair.ids["t01"],),
        ).fetchone()
    assert row is not None
    pair.compare("record with 200 timeline entries", "t01", f"/leads/{row[0]}")


def writes(pair: Pair) -> None:
    """A new lead by its form, against one INSERT in one transaction."""
    real, floor = pair.page("t02"), Client(pair.floor)
    body = urlencode({**FORM, "csrf_token": pair.cookies["t02"][1].decode()}).encode()
    calls: list[Callable[[], object]] = [
        lambda: real.send(b"POST", "/t/t02/leads/", body, (303,)),
        lambda: floor.send(b"POST", f"/{pair.ids['t02']}/leads", body, (303,)),
    ]
    print(Line("create a lead", *measuring.interleave(calls, 200)), flush=True)


def counts(pair: Pair) -> None:
    """The exact count, which the page asks for after it is shown when there are more than 1,000."""
    client, floor = pair.page("big"), Client(pair.floor)
    for query in ("", "?status=lost", "?q=sales"):
        calls: list[Callable[[], object]] = [
            lambda: client.get(f"/t/big/leads/count{query}"),  # noqa: B023
            lambda: floor.get(f"/{pair.ids['big']}/count{query}"),  # noqa: B023
        ]
        print(Line(f"exact count {query}", *measuring.prepared(lambda: pair.stale("big"), calls, 10)), flush=True)


ON_HUNDRED = {"lists": lists, "pages": pages, "records": records, "writes": writes}
ON_MILLION = {"sizes": sizes, "searches": searches, "filters": filters, "counts": counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[*ON_HUNDRED, *ON_MILLION])
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each case is measured")
    asked = parser.parse_args()
    cases, measuring.SCALE = asked.cases, asked.scale
    if unknown := set(cases) - {*ON_HUNDRED, *ON_MILLION}:
        sys.exit(f"No such case: {', '.join(sorted(unknown))}. There are {', '.join([*ON_HUNDRED, *ON_MILLION])}.")
    print(HEADINGS)
    for plan, group, port in ((data.HUNDRED, ON_HUNDRED, 8710), (data.MILLION, ON_MILLION, 8720)):
        chosen = [group[name] for name in cases if name in group]
        if not chosen:
            continue
        with ExitStack() as stack:
            pair = Pair(
                plan,
                stack.enter_context(measuring.serving(plan, "real", port)),
                stack.enter_context(measuring.serving(plan, "floor", port + 1)),
            )
            for case in chosen:
                case(pair)


def _cursor_of_page(pair: Pair, slug: str, number: int) -> str:
    from uuid import UUID

    from app.core.records.listing import PAGE_SIZE, Cursor

    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        row = connection.execute(
            "select id from leads where tenant_id = %s and deleted_at is null order by id desc offset %s limit 1",
            (pair.ids[slug], (number - 1) * PAGE_SIZE - 1),
        ).fetchone()
    assert row is not None
    return Cursor(str(row[0]), UUID(str(row[0]))).encode()


def _rare_word(pair: Pair) -> str:
    """An address that stands on one lead: its number and name together are one word."""
    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        row = connection.execute(
            "select split_part(split_part(email, '.', 2), '@', 1) from leads "
            "where tenant_id = %s and email is not null order by id offset 500000 limit 1",
            (pair.ids["big"],),
        ).fetchone()
    assert row is not None
    return str(row[0])


def _owner(pair: Pair, slug: str) -> str:
    with psycopg.connect(database.libpq_url(pair.settings.migrator_url)) as connection:
        row = connection.execute(
            "select id from users where tenant_id = %s and role = 'agent'", (pair.ids[slug],)
        ).fetchone()
    assert row is not None
    return str(row[0])


if __name__ == "__main__":
    main()
