"""Leads to measure on, the same each time; derived columns come from the application's own `derive`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.core.clock import new_id
from app.leads.definition import derive
from benchmarks.people import People, id_at, zipf

TIMELINE = 200


def leads(count: int, seed: int, owners: list[UUID], begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """That many leads, oldest first: a few names are common, most are rare."""
    chance = random.Random(seed)
    people = People(chance)
    step = (end - begin) / count
    for number in range(count):
        yield _lead(chance, people, number, begin + step * number, owners)


def _lead(chance: random.Random, people: People, number: int, at: datetime, owners: list[UUID]) -> dict[str, Any]:
    first, last, company = people.first(), people.last(), people.company()
    host = company.partition(" ")[0].lower()
    mail = f"{first}.{last}{number % 9973}@{host}.example".lower() if chance.random() < 0.9 else None
    amount = Decimal(int(chance.lognormvariate(8.5, 1.2))) if chance.random() < 0.7 else None
    values: dict[str, Any] = {
        "id": id_at(chance, at),
        "first_name": first,
        "last_name": last,
        "email": mail,
        "phone": f"+1212{chance.randrange(2_000_000, 9_999_999)}" if chance.random() < 0.7 else None,
        "company": company if chance.random() < 0.85 else None,
        "job_title": chance.choices(_TITLES, cum_weights=_TITLE_WEIGHTS)[0],
        "website": f"https://{host}.example",
        "source": chance.choice(("website", "referral", "event", "social", "import", None)),
        "status": chance.choices(_STATUSES, cum_weights=_STATUS_WEIGHTS)[0],
        "rating": chance.choice(("hot", "warm", "cold", None)),
        "estimated_value": amount,
        "currency": "USD" if amount is not None else None,
        "city": chance.choice(_CITIES),
        "country": "United States",
        "postal_code": f"{chance.randrange(501, 99_950):05d}",
        "description": " ".join(chance.choices(_WORDS, k=12)) if chance.random() < 0.3 else None,
        "do_not_contact": chance.random() < 0.03,
        "next_follow_up": date(2026, 11, 1) + timedelta(days=chance.randrange(120)) if chance.random() < 0.25 else None,
        "owner_id": chance.choice(owners) if chance.random() < 0.9 else None,
        "tags": list(dict.fromkeys(chance.choices(_TAGS, cum_weights=_TAG_WEIGHTS, k=chance.choice((0, 0, 1, 2))))),
        "created_at": at,
        "updated_at": at + timedelta(days=chance.expovariate(1 / 20)),
        "version": 1,
    }
    return values | derive(values)


def add_timeline(connection: psycopg.Connection[Any], tenant_id: UUID, owners: list[UUID], end: datetime) -> None:
    """Gives the newest lead 200 entries, a fifth notes."""
    newest = connection.execute(
        "select id from leads where tenant_id = %s order by id desc limit 1", (tenant_id,)
    ).fetchone()
    assert newest is not None
    for number in range(TIMELINE - 1):
        at = end + timedelta(minutes=number)
        event = _event(connection, number, tenant_id, newest[0], owners[0], at)
        connection.execute(
            "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_id, actor_name, data, at, "
            "digest, seal, seal_key) values (%s, %s, %s, 'lead', %s, %s, 'Olivia', %s, %s, '', '', '')",
            (tenant_id, new_id(), event[0], newest[0], owners[0], Jsonb(event[1]), at),
        )


def _event(
    connection: psycopg.Connection[Any], number: int, tenant_id: UUID, lead: UUID, author: UUID, at: datetime
) -> tuple[str, dict[str, Any]]:
    if number % 5 == 0:
        note = new_id()
        connection.execute(
            "insert into notes (tenant_id, id, kind, record_id, author_id, author_name, body, created_at, updated_at, "
            "version) values (%s, %s, 'lead', %s, %s, 'Olivia', %s, %s, %s, 1)",
            (tenant_id, note, lead, author, "Asked for a **price list**:\n\n- in May\n- with a reference", at, at),
        )
        return "lead.noted", {"note_id": str(note)}
    if number % 5 == 1:
        return "lead.moved", {"before": "new", "after": "contacted", "reason": "", "seconds": 3600 * number}
    return "lead.changed", {"changes": {"job_title": ["Buyer", f"Buyer {number}"], "rating": ["warm", "hot"]}}


_CITIES = ("Oslo", "Porto", "Austin", "Leeds", "Boston", "Denver", "Lyon", "Gdańsk", "Turin", "Malmö")
_TITLES = ("Sales Manager", "Buyer", "Managing Director", "IT Manager", "Office Manager", "Astronomer", None)
_TITLE_WEIGHTS = list(accumulate((250, 200, 100, 145, 150, 5, 150)))
_STATUSES = ("new", "contacted", "qualified", "converted", "nurturing", "unqualified", "lost")
_STATUS_WEIGHTS = list(accumulate((40, 20, 10, 8, 10, 7, 5)))
_TAGS = [f"segment {number}" for number in range(1, 25)] + ["vip", "newsletter", "fair", "partner", "press", "trial"]
_TAG_WEIGHTS = zipf(len(_TAGS))
_WORDS = (  # noqa: SIM905
    "asked for a price list and call next week about delivery in may wants reference from region budget is decided "
    "quarter met at fair sent offer waiting answer contract renewal competitor demo trial support invoice"
).split()
