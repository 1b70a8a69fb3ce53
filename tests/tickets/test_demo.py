"""The sample organisation's desk: alive at first sight, the same each time, and nothing of it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.notifications.models import Notice
from app.tickets import demo
from app.tickets.actions import csat
from app.tickets.models import Ticket, TicketMessage, TicketRating
from app.tickets.models.sla import SlaAlert
from tests.support.clients import PageClient

Every = Callable[..., list[Any]]


@pytest.fixture
def played(acme: Scope, inside: Callable[..., Any]) -> int:
    with inside(acme):
        return demo.create(acme)


@pytest.fixture
def every(acme: Scope, inside: Callable[..., Any]) -> Callable[..., list[Any]]:
    """What a query finds in a tenant, acme unless told."""

    def look(query: Any, scope: Scope = acme) -> list[Any]:
        with inside(scope):
            return [tuple(row) for row in db.session.execute(query)]

    return look


def test_tickets_stand_in_every_state(played: int, every: Every) -> None:
    rows = every(select(Ticket.status, Ticket.sla_state))
    assert len(rows) == played == 24
    assert {status for status, _ in rows} == {"new", "open", "pending", "on_hold", "resolved", "closed"}
    states = Counter(state for _, state in rows)
    assert {"running", "due_soon", "breached", "paused", "met"} <= set(states), states


def test_people_talk_and_are_told(played: int, every: Every) -> None:
    kinds = {kind for (kind,) in every(select(TicketMessage.kind))}
    assert {"reply", "note", "customer"} <= kinds
    told = {kind for (kind,) in every(select(Notice.kind))}
    assert {"ticket.mentioned", "ticket.rated", "ticket.received"} <= told
    ratings = {rating for (rating,) in every(select(TicketRating.rating))}
    assert {"good", "bad", None} <= ratings


def test_no_mail_of_it_leaves(played: int, every: Every) -> None:
    """Neither now nor when the worker has looked at what happened: the customers' addresses are nobody's."""
    assert every(select(func.count()).select_from(OutgoingMail)) == [(0,)]
    assert every(select(func.count()).select_from(SlaAlert)) == [(0,)]


def test_nobody_is_asked_a_second_time(played: int, acme: Scope, inside: Callable[..., Any]) -> None:
    with inside(acme):
        resolved = list(db.session.scalars(select(Ticket).where(Ticket.status == "resolved")))
        assert resolved
        assert {csat.ask(acme, ticket) for ticket in resolved} == {None}


def test_the_same_each_time(played: int, globex: Scope, inside: Callable[..., Any], every: Every) -> None:
    """In two organisations: what happens does not depend on chance."""
    with inside(globex):
        demo.create(globex)
    tickets = select(Ticket.subject, Ticket.status).order_by(Ticket.number)
    assert every(tickets) == every(tickets, globex)


def test_the_first_look(played: int, as_role: Callable[..., PageClient]) -> None:
    agent = as_role("agent")
    mine = agent.get("/tickets/?queue=mine")
    assert "Our dashboard has shown no data since midnight" in mine.text_of("main")
    ticket = agent.get(mine.soup.select_one("[data-row-link]")["href"])
    assert "@Amal this one is past its promise" in ticket.text_of("#conversation")
