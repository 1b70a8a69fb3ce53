"""What leaves by mail."""

from __future__ import annotations

from app.core.scope import Scope
from app.tickets.models import TicketMessage


def send_reply(scope: Scope, message: TicketMessage) -> None:
    """Hands a reply whose time to be taken back is over to the outbox."""
