"""One ticket."""

from __future__ import annotations

from uuid import UUID

from app.core.records import queries
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.tickets.models import Ticket


def get_ticket(scope: Scope, ticket_id: UUID, *, lock: bool = False, change: bool = False) -> Ticket:
    """The live ticket; getting it is the check (`records.queries.get_record`).

    Raises:
        NotFound: there is none that the asker may see. Forbidden: with `change`, it is not theirs to change.
    """
    row = queries.get_record(scope, kind_named("ticket"), ticket_id, lock=lock, change=change)
    assert isinstance(row, Ticket)
    return row
