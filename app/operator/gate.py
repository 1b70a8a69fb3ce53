"""Who is signed in at the console, and whether there is one: what the request pipeline asks."""

from __future__ import annotations

from datetime import timedelta

from flask import g, request, session

from app.core.clock import now
from app.operator import queries, store
from app.operator.actions import Actor
from app.operator.rules import is_over

SESSION_KEY = "operator"
_TOUCH = timedelta(minutes=1)


class ConsoleGate:
    """Set as `fairlead.console` where there is a login for it."""

    def find_operator(self) -> Actor | None:
        """By the console's cookie; read from the database at every request, so that an end counts at once."""
        token = session.get(SESSION_KEY)
        if not isinstance(token, str):
            return None
        at = now()
        with store.transaction() as database:
            found = queries.find_session(database, token)
            if found is None:
                return None
            row, person = found
            if person.disabled_at is not None or is_over(at, expires_at=row.expires_at, last_seen_at=row.last_seen_at):
                return None
            if at - row.last_seen_at >= _TOUCH:
                row.last_seen_at = at
        return Actor(person.id, person.name, request.remote_addr, row.id, at)


def current_operator() -> Actor:
    """Who asks; for routes that declare `@operator`."""
    actor: Actor = g.operator
    return actor
