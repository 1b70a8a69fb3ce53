"""One ticket, and numbers for new ones."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.core.records import queries
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import Ticket

_NUMBERS = text("select next_ticket_numbers(:how_many)")


def get_ticket(scope: Scope, ticket_id: UUID, *, lock: bool = False, change: bool = False) -> Ticket:
    """The live ticket; getting it is the check (`records.queries.get_record`).

    Raises:
        NotFound: there is none that the asker may see. Forbidden: with `change`, it is not theirs to change.
    """
    row = queries.get_record(scope, kind_named("ticket"), ticket_id, lock=lock, change=change)
    assert isinstance(row, Ticket)
    return row


def next_numbers(scope: Scope, how_many: int) -> list[int]:
    """New numbers of the asker's tenant, in order: never given before, nor again, and nobody waits for them."""
    return list(db.session.scalars(_NUMBERS, {"how_many": how_many}))
