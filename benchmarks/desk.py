"""Tickets to measure on: a desk as it is after two years, with 100,000 tickets, of which one in twenty is at work.

Everything but the conversations of the newest tickets is made row by row, the same each time; derived columns come
from the application's own `derive`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.accounts.actions.teams import create_team
from app.core.records.text import search_text
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import categories, clocks, starting, training
from app.tickets.definition import derive
from app.tickets.models.tickets import NO_DUE
from app.tickets.queries import get_ticket
from app.tickets.rules import lifecycle
from benchmarks.people import People, id_at, word, zipf

ENTRIES = 200
LONG = 20
"""So many of the newest tickets of the first tenant have a conversation of 200 entries."""
TRAINED = "t02"
"""The tenant whose classifier is trained: tickets are made there."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works at a tenant's desk, and how it sorts what comes in."""

    owners: list[UUID]
    categories: list[UUID]
    teams: list[UUID]


def set_up(scope: Scope, owners: list[UUID]) -> Desk:
    """Categories, teams and three service levels."""
    made = [categories.create_category(scope, name) for name in _CATEGORIES]
    teams = [create_team(scope, name, owners[place : place + 2]) for place, name in enumerate(_TEAMS)]
    starting.start(scope)
    return Desk(owners, made, teams)


def tickets(count: int, seed: int, desk: Desk, begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """That many tickets, oldest first: the last twentieth is at work, nearly all others are closed."""
    chance = random.Random(seed)
    requesters, words = _requesters(chance), _Words(chance)
    step = (end - begin) / count
    for number in range(count):
        fresh = number > count * 0.95
        yield _ticket(chance, words, requesters, desk, number + 1, begin + step * number, fresh)


def _ticket(
    chance: random.Random, words: _Words, requesters: _Requesters, desk: Desk, number: int, at: datetime, fresh: bool
) -> dict[str, Any]:
    name, mail, customer = requesters.draw()
    category = chance.choices(range(len(_CATEGORIES)), cum_weights=_CATEGORY_WEIGHTS)[0]
    status = chance.choices(_STATUSES, cum_weights=_FRESH if fresh else _OLD)[0]
    said = "" if status == lifecycle.NEW else words.text(chance.randrange(10, 40))
    values: dict[str, Any] = {
        "id": id_at(chance, at),
        "number": number,
        "subject": f"{words.text(chance.randrange(2, 6))} {words.of_category(category)}".capitalize(),
        "description": f"{words.text(chance.randrange(12, 40))} {words.of_category(category)}",
        "requester_name": name,
        "requester_email": mail,
        "customer": customer,
        "status": status,
        "priority": chance.choices(_PRIORITIES, cum_weights=_PRIORITY_WEIGHTS)[0],
        "category_id": desk.categories[category] if chance.random() < 0.9 else None,
        "owner_id": chance.choice(desk.owners) if chance.random() < (0.75 if fresh else 0.97) else None,
        "team_id": desk.teams[category % len(desk.teams)] if chance.random() < 0.8 else None,
        "tags": chance.choices(_TAGS, k=chance.choice((0, 0, 0, 1))),
        "channel": chance.choices(_CHANNELS, cum_weights=_CHANNEL_WEIGHTS)[0],
        "external_id": None,
        "conversation_text": search_text([said]),
        "opened_at": at,
        "created_at": at,
        "updated_at": at + timedelta(hours=chance.expovariate(1 / 60)),
        "version": 1,
    }
    return values | _lived(chance, status, at) | derive(values)


def _lived(chance: random.Random, status: str, at: datetime) -> dict[str, Any]:
    """When it was answered, resolved and rated, and what its service level says by now."""
    done = at + timedelta(hours=chance.expovariate(1 / 40)) if status in lifecycle.DONE else None
    due = at + timedelta(hours=chance.choice((8, 16, 40))) if status in (lifecycle.NEW, lifecycle.OPEN) else None
    met = chance.random() < 0.9
    state = "paused" if status in (lifecycle.PENDING, lifecycle.ON_HOLD) else "met" if met else "breached"
    return {
        "first_replied_at": None if status == lifecycle.NEW else at + timedelta(hours=chance.expovariate(1 / 3)),
        "resolved_at": done,
        "closed_at": done + timedelta(days=7) if done and status == lifecycle.CLOSED else None,
        "csat": chance.choices(("good", "bad", None), (8, 2, 90))[0] if done else None,
        "sla_state": chance.choice(("running", "running", "due_soon", "breached")) if due else state,
        "due_at": due,
        "due_order": int(due.timestamp()) * 1_000_000 if due else NO_DUE,
    }


class _Words:
    """A vocabulary as uneven as a language, and the words by which one tells what a ticket is about."""

    def __init__(self, chance: random.Random) -> None:
        own = random.Random(11)
        self._chance = chance
        self._all = [*_COMMON, *(word(own, own.choice((2, 3))) for _ in range(4_000))]
        self._weights = zipf(len(self._all))

    def text(self, count: int) -> str:
        return " ".join(self._chance.choices(self._all, cum_weights=self._weights, k=count))

    def of_category(self, category: int) -> str:
        return self._chance.choice(_CATEGORIES[category].lower().split())


class _Requesters:
    def __init__(self, chance: random.Random, people: list[tuple[str, str, str]]) -> None:
        self._chance, self._people, self._weights = chance, people, zipf(len(people))

    def draw(self) -> tuple[str, str, str]:
        return self._chance.choices(self._people, cum_weights=self._weights)[0]


def _requesters(chance: random.Random, count: int = 8_000) -> _Requesters:
    people, found = People(chance), []
    for number in range(count):
        first, last, company = people.first(), people.last(), people.company()
        host = company.partition(" ")[0].lower()
        found.append((f"{first} {last}", f"{first}.{last}{number}@{host}.example".lower(), company))
    return _Requesters(chance, found)


def converse(connection: psycopg.Connection[Any], scope: Scope, desk: Desk) -> list[UUID]:
    """Gives the newest tickets 200 entries each, their events and what their clocks know of it; returns which.

    Three messages in four, notes among them, and a change after each third.
    """
    chance = random.Random(5)
    words = _Words(chance)
    newest = [row[0] for row in connection.execute(
        "select id from tickets where tenant_id = %s order by id desc limit %s", (scope.tenant_id, LONG)
    )]  # fmt: skip
    for ticket in newest:
        begun = datetime.fromtimestamp((ticket.int >> 80) / 1000, scope.now.tzinfo)
        clocks.begin(replace(scope, now=begun), get_ticket(scope, ticket))
    db.session.flush()
    db.session.commit()
    for ticket in newest:
        _talk(connection, chance, words, scope, ticket, desk.owners[0])
    return newest


def train(scope: Scope) -> None:
    """The classifiers of both fields, as a job does; commits as it goes."""
    for field in ("category", "priority"):
        version = training.ask_training(scope, field)
        db.session.commit()
        training.run_training(scope, version)


def _talk(
    connection: psycopg.Connection[Any],
    chance: random.Random,
    words: _Words,
    scope: Scope,
    ticket: UUID,
    agent: UUID,
) -> None:
    begun = datetime.fromtimestamp((ticket.int >> 80) / 1000, scope.now.tzinfo)
    messages, events, happened = [], [], []
    for number in range(ENTRIES):
        at = begun + timedelta(minutes=20 * (number + 1))
        entry = id_at(chance, at)
        if number % 4 == 3:
            pair = [["low", "normal", "high"][number % 3], "normal"]
            events.append((entry, "ticket.changed", agent, "Olivia", Jsonb({"changes": {"priority": pair}}), at))
            continue
        kind, verb, what = _TURNS[number % 4]
        author = None if kind == "customer" else agent
        name = "Olivia" if author else "Noor Haddad"
        body = f"Dear all,\n\n{words.text(25)} **{words.text(2)}**.\n\n- {words.text(5)}\n- {words.text(5)}"
        state = "received" if kind == "customer" else "sent"
        messages.append((entry, kind, author, name, body, state, at))
        events.append((id_at(chance, at), f"ticket.{verb}", author, name, Jsonb({"message_id": str(entry)}), at))
        happened.append((number + 2, at, what))
    _insert(connection, scope.tenant_id, ticket, messages, events, happened)


def _insert(
    connection: psycopg.Connection[Any],
    tenant: UUID,
    ticket: UUID,
    messages: list[tuple[Any, ...]],
    events: list[tuple[Any, ...]],
    happened: list[tuple[Any, ...]],
) -> None:
    cursor = connection.cursor()
    cursor.executemany(
        "insert into ticket_messages (tenant_id, ticket_id, channel, recipients, automatic, version, id, kind, "
        "author_id, author_name, body, state, created_at, updated_at) "
        "values (%s, %s, 'email', '{}', false, 1, %s, %s, %s, %s, %s, %s, %s, %s)",
        [(tenant, ticket, *row, row[-1]) for row in messages],
    )
    cursor.executemany(
        "insert into events (tenant_id, subject_kind, subject_id, digest, seal, seal_key, id, type, actor_id, "
        "actor_name, data, at) values (%s, 'ticket', %s, '', '', '', %s, %s, %s, %s, %s, %s)",
        [(tenant, ticket, *row) for row in events],
    )
    cursor.executemany(
        "insert into sla_history (tenant_id, ticket_id, seq, at, what, value) values (%s, %s, %s, %s, %s, 'null')",
        [(tenant, ticket, *row) for row in happened],
    )


_TURNS = (
    ("customer", "received", "customer_message"),
    ("reply", "replied", "agent_public_reply"),
    ("note", "annotated", "agent_internal_note"),
)
_CATEGORIES = (
    "Invoice payment",
    "Refund return",
    "Delivery parcel",
    "Password login",
    "Crash error",
    "Export report",
    "Address contact",
    "Contract renewal",
    "Printer hardware",
    "Question howto",
    "Complaint quality",
    "Other",
)
_CATEGORY_WEIGHTS = list(accumulate((20, 12, 18, 15, 10, 6, 5, 4, 3, 4, 2, 1)))
_TEAMS = ("First line", "Billing", "Engineering")
_STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")
_FRESH = list(accumulate((15, 40, 25, 5, 10, 5)))
_OLD = list(accumulate((0, 1, 1, 0, 2, 96)))
_PRIORITIES = ("low", "normal", "high", "urgent")
_PRIORITY_WEIGHTS = list(accumulate((20, 57, 18, 5)))
_CHANNELS = ("email", "web", "phone", "chat", "api")
_CHANNEL_WEIGHTS = list(accumulate((60, 20, 10, 5, 5)))
_TAGS = ("vip", "legal", "follow-up", "escalated", "beta", "training")
_COMMON = (  # noqa: SIM905
    "the my to is not it and order with since have please account cannot we you for when page can app screen again "
    "help today customer number after email still shows working problem update need new wrong"
).split()
