"""Sample leads for a first look: marked with a tag, so that they can be found and removed together."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from app.core import people
from app.core.access import Reach
from app.core.records import actions
from app.core.records.fields import ParseContext
from app.core.records.kind import kind_named
from app.core.records.reach import may_assign
from app.core.scope import Scope

TAG = "sample"
_FIRST = "Amara Bruno Chiara Dmitri Elena Farid Greta Hiro Ines Jonas Keiko Liam Mei Noor Olga Pavel Quinn Rosa"
_LAST = "Abebe Berg Castillo Dubois Eriksen Fischer Garcia Haddad Ivanova Jansen Kowalski Lindqvist Moreau"
_COMPANIES = (
    "Northwind Optics",
    "Harbour & Sons",
    "Lumen Logistics",
    "Café Meridian",
    "Tidal Energy",
    "Birchwood Clinics",
    "Orbit Freight",
    "Quarry Stone",
)
_CITIES = (
    ("Oslo", "Norway"),
    ("Porto", "Portugal"),
    ("Austin", "United States"),
    ("Leeds", "United Kingdom"),
)
_TITLES = ("Head of Operations", "Buyer", "Managing Director", "IT Manager", "Office Manager")
_NOTES = (
    "Asked for a **price list** and a call next week.",
    "Met at the fair. Wants:\n\n- delivery in May\n- a reference from the region",
    "Budget is decided in the next quarter.",
)


def create(scope: Scope, count: int = 48) -> int:
    """Adds `count` leads in every status, some with notes; the same each time. Returns how many."""
    chance = random.Random(20)  # noqa: S311 - sample data, not a secret
    owners = _owners(scope)
    for number in range(count):
        _create_one(scope, chance, number, owners[number % len(owners)])
    return count


def _owners(scope: Scope) -> list[UUID | None]:
    """Who gets the sample: everybody in turn, or the asker alone if they may not give leads to others."""
    kind = kind_named("lead")
    if not may_assign(scope, kind) or not scope.reach_of(kind.name).changes.covers(Reach.ALL):
        return [scope.user_id]
    return [person.id for person in people.list_people(scope) if person.active] or [None]


def _create_one(scope: Scope, chance: random.Random, number: int, owner: UUID | None) -> None:
    kind = kind_named("lead")  # by name: the kind's definition points here
    first, last = chance.choice(_FIRST.split()), _LAST.split()[number % len(_LAST.split())]
    company, (city, country) = chance.choice(_COMPANIES), chance.choice(_CITIES)
    host = "".join(letter for letter in company.lower() if letter.isascii() and letter.isalpha())
    typed = {
        "first_name": first,
        "last_name": last,
        "company": company,
        "email": f"{first}.{last}{number}@{host}.example".lower(),
        "phone": f"+1 212 555 01{number:02d}",
        "job_title": chance.choice(_TITLES),
        "website": f"https://{host}.example",
        "source": chance.choice(("website", "referral", "event", "social")),
        "rating": chance.choice(("hot", "warm", "cold", "")),
        "city": city,
        "country": country,
        "tags": TAG,
    }
    context = ParseContext(scope)
    values = {name: kind.field(name).parse(text, context) for name, text in typed.items()}
    values |= {"owner_id": owner, "currency": scope.currency}
    values["estimated_value"] = Decimal(chance.randrange(5, 900) * 100)
    if number % 3 == 0:
        values["next_follow_up"] = (scope.now + timedelta(days=chance.randrange(1, 40))).date()
    lead = actions.create_record(scope, kind, values)
    if number % 5 == 0:
        actions.add_note(scope, kind, lead, chance.choice(_NOTES))
    _move_along(scope, chance, lead)


def _move_along(scope: Scope, chance: random.Random, lead: UUID) -> None:
    """A plausible way through the lifecycle."""
    paths = (
        (),
        ("contacted",),
        ("contacted", "qualified"),
        ("contacted", "qualified", "converted"),
        ("nurturing",),
    )
    version = 1
    for status in (*chance.choice(paths),):
        actions.move_record(scope, kind_named("lead"), lead, version, status)
        version += 1
