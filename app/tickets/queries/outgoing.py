"""What a reply by mail is made of."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.models.messages import HELD, REPLY, WITHDRAWN

REPLY_KEY = "reply:"
"""What the key of a reply's mail begins with: ``reply:<message>.<version>``, and ``:1`` for the first copy."""
_ID = 36


def find_message_of_mail(scope: Scope, mail: OutgoingMail) -> TicketMessage | None:
    """The reply a mail of the outbox carries, locked."""
    key = mail.key or ""
    if not key.startswith(REPLY_KEY):
        return None
    message_id = UUID(key.removeprefix(REPLY_KEY)[:_ID])
    query = select(TicketMessage).where(TicketMessage.tenant_id == scope.tenant_id, TicketMessage.id == message_id)
    return db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def list_files_of(scope: Scope, message_id: UUID, most: int = 100) -> list[TicketFile]:
    """The files of a message, in the order they were added."""
    query = select(TicketFile).where(TicketFile.tenant_id == scope.tenant_id, TicketFile.message_id == message_id)
    return list(db.session.scalars(query.order_by(TicketFile.id).limit(most)))


def get_sent_file(scope: Scope, file_id: UUID) -> TicketFile:
    """A file of a public reply that has left. Raises NotFound: also for files of notes, customers and drafts, and of
    tickets that were deleted."""
    query = (
        select(TicketFile)
        .join(
            TicketMessage,
            (TicketMessage.tenant_id == TicketFile.tenant_id) & (TicketMessage.id == TicketFile.message_id),
        )
        .where(TicketFile.tenant_id == scope.tenant_id, TicketFile.id == file_id, TicketMessage.kind == REPLY)
        .where(TicketMessage.state.not_in((HELD, WITHDRAWN)))
        .join(Ticket, (Ticket.tenant_id == TicketFile.tenant_id) & (Ticket.id == TicketFile.ticket_id))
        .where(Ticket.deleted_at.is_(None))
    )
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This file does not exist any more.")
    return found
