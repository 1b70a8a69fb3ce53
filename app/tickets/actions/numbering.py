"""Numbers for new tickets."""

from __future__ import annotations

from sqlalchemy import text

from app.core.scope import Scope
from app.extensions import db

_NUMBERS = text("select next_ticket_numbers(:how_many)")


def take_numbers(scope: Scope, how_many: int) -> list[int]:
    """New numbers of the asker's tenant, in order: never given before, nor again, and nobody waits for them."""
    return list(db.session.scalars(_NUMBERS, {"how_many": how_many}))
