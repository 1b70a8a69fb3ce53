"""Sample tickets for a first look: marked with a tag, so that they can be found and removed together."""

from __future__ import annotations

from typing import Any

from app.core import people
from app.core.records import actions
from app.core.records.kind import kind_named
from app.core.records.reach import may_assign
from app.core.scope import Scope

TAG = "sample"
_REQUESTERS = (
    ("Amara Castillo", "amara@northwind.example", "Northwind Optics"),
    ("Bruno Eriksen", "bruno@harbour.example", "Harbour & Sons"),
    ("Chiara Fischer", "chiara@lumen.example", "Lumen Logistics"),
    ("Keiko Lindqvist", "keiko@meridian.example", "Café Meridian"),
    ("Noor Haddad", "noor@tidal.example", "Tidal Energy"),
)
_SUBJECTS = (
    ("Cannot sign in since this morning", "The page says my **password** is wrong. I did not change it.", "high"),
    ("Invoice 2211 shows the wrong address", "Please send it again with our new address in Porto.", "normal"),
    ("Delivery has not come", "It was promised for Tuesday. Where is it?", "urgent"),
    ("How do I export a list?", "I would like the list as a file for our books.", "low"),
    ("The app closes when I open a photo", "1. Open any record\n2. Add a photo\n3. It closes", "high"),
    ("Change of contact person", "Rosa has left us; please write to me instead.", "normal"),
    ("Refund for the second order", "We ordered twice by mistake.", "normal"),
    ("Page is slow in the afternoon", "Between two and four it takes ten seconds.", "normal"),
)
_WAYS = ((), ("open",), ("open", "pending"), ("open", "resolved"), ("open", "on_hold"), ())


def create(scope: Scope, count: int = 24) -> int:
    """Adds `count` tickets in every status; the same each time. Returns how many."""
    kind = kind_named("ticket")
    owners = [person.id for person in people.list_people(scope) if person.active] if may_assign(scope, kind) else []
    for number in range(count):
        name, address, customer = _REQUESTERS[number % len(_REQUESTERS)]
        subject, description, priority = _SUBJECTS[number % len(_SUBJECTS)]
        values: dict[str, Any] = {
            "subject": subject,
            "description": description,
            "requester_name": name,
            "requester_email": address,
            "customer": customer,
            "priority": priority,
            "channel": ("email", "web", "phone")[number % 3],
            "tags": (TAG,),
            "owner_id": owners[number % len(owners)] if owners and number % 3 else None,
        }
        ticket = actions.create_record(scope, kind, values)
        for version, status in enumerate(_WAYS[number % len(_WAYS)], start=1):
            actions.move_record(scope, kind, ticket, version, status)
    return count
