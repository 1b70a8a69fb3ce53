"""Resolved tickets nobody writes to are closed after the tenant's time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.core.records.actions import move_record
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.models import Ticket
from app.tickets.rules import lifecycle


def close_resolved(scope: Scope, limit: int = 200) -> int:
    """Closes at most `limit` of them, oldest first; returns how many. 0 days in the settings leaves all as they are.

    Those somebody has in hand are passed by: the next run finds them.
    """
    days = queries.get_desk_settings(scope).close_days
    if not days:
        return 0
    over = select(Ticket).where(
        Ticket.deleted_at.is_(None),
        Ticket.status == lifecycle.RESOLVED,
        Ticket.resolved_at <= scope.now - timedelta(days=days),
    )
    over = over.order_by(Ticket.id).limit(limit).with_for_update(skip_locked=True)
    tickets = list(db.session.scalars(over.execution_options(populate_existing=True)))
    for ticket in tickets:
        move_record(scope, kind_named("ticket"), ticket.id, ticket.version, lifecycle.CLOSED)
    return len(tickets)
