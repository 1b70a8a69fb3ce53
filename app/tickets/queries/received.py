"""Mail that came in: the log, and what a new one has to do with what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from app.accounts.queries import find_user_by_email
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models.mail import (
    DUPLICATE,
    RECEIVED,
    THREADED,
    TICKETED,
    Mailbox,
    ReceivedMail,
)
from app.tickets.models.messages import HELD, NOTE, REPLY, WITHDRAWN

PAGE = 50
RECEIPT = "ack:"
"""What the key of a confirmation of receipt begins with; the ticket's id follows."""
_MERGES_MAX = 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """A mail of the log, with the number of its ticket and the name of its mailbox."""

    mail: ReceivedMail
    mailbox: str | None
    number: int | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """`after` is the cursor of the next page, None on the last."""

    lines: list[LogLine]
    after: UUID | None


def list_log(
    scope: Scope, *, state: str = "", mailbox_id: UUID | None = None, before: UUID | None = None, most: int = PAGE
) -> LogPage:
    """The newest first, `most` a page; `before` is the last one of the page before."""
    query = (
        select(ReceivedMail, Mailbox.name, Ticket.number)
        .outerjoin(Mailbox, (Mailbox.tenant_id == ReceivedMail.tenant_id) & (Mailbox.id == ReceivedMail.mailbox_id))
        .outerjoin(Ticket, (Ticket.tenant_id == ReceivedMail.tenant_id) & (Ticket.id == ReceivedMail.ticket_id))
        .where(ReceivedMail.tenant_id == scope.tenant_id)
        .order_by(ReceivedMail.id.desc())
    )
    if state:
        query = query.where(ReceivedMail.state == state)
    if mailbox_id:
        query = query.where(ReceivedMail.mailbox_id == mailbox_id)
    if before:
        query = query.where(ReceivedMail.id < before)
    rows = [LogLine(mail, name, number) for mail, name, number in db.session.execute(query.limit(most + 1))]
    return LogPage(rows[:most], rows[most - 1].mail.id if len(rows) > most else None)


def get_received(scope: Scope, mail_id: UUID, *, lock: bool = False) -> ReceivedMail:
    """One mail that came in. Raises NotFound."""
    query = select(ReceivedMail).where(ReceivedMail.tenant_id == scope.tenant_id, ReceivedMail.id == mail_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This mail does not exist, or is not yours to see.")
    return found


def list_received_of(scope: Scope, message_ids: Sequence[UUID]) -> dict[UUID, ReceivedMail]:
    """The mails that messages of a conversation came as, by message."""
    query = select(ReceivedMail).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.message_row_id.in_(message_ids),
        ReceivedMail.state != DUPLICATE,
    )
    return {row.message_row_id: row for row in db.session.scalars(query) if row.message_row_id}


def find_by_key(scope: Scope, mailbox_id: UUID | None, key: str) -> ReceivedMail | None:
    """What this mailbox handed over under this name before."""
    query = select(ReceivedMail).where(
        ReceivedMail.tenant_id == scope.tenant_id, ReceivedMail.mailbox_id == mailbox_id, ReceivedMail.key == key
    )
    return db.session.scalars(query).one_or_none()


def find_same(scope: Scope, fingerprint: str) -> ReceivedMail | None:
    """The mail that says the same under the same Message-ID, however it came."""
    query = select(ReceivedMail).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.fingerprint == fingerprint,
        ReceivedMail.state != DUPLICATE,
    )
    return db.session.scalars(query).one_or_none()


def is_somebody_at_it(scope: Scope) -> bool:
    """Whether a worker holds a mail of the tenant: mail is looked at one after the other, as it came."""
    query = select(ReceivedMail.id).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.state == RECEIVED,
        ReceivedMail.attempts > 0,
        ReceivedMail.reason == "",
        ReceivedMail.next_attempt_at > scope.now,
    )
    return db.session.scalars(query.limit(1)).first() is not None


def find_due(scope: Scope) -> ReceivedMail | None:
    """The mail that came first and is due, locked."""
    query = select(ReceivedMail).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.state == RECEIVED,
        ReceivedMail.next_attempt_at <= scope.now,
    )
    return db.session.scalars(query.order_by(ReceivedMail.id).limit(1).with_for_update(skip_locked=True)).first()


def count_from(scope: Scope, address: str, state: str, since: datetime) -> int:
    """How many mails of this sender became tickets (or messages) since then."""
    query = select(func.count()).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.from_address == address,
        ReceivedMail.state == state,
        ReceivedMail.received_at >= since,
    )
    return db.session.scalar(query) or 0


def find_ticket_by_number(scope: Scope, number: int) -> Ticket | None:
    """The live ticket of this number, or the one it was merged into."""
    query = select(Ticket).where(Ticket.tenant_id == scope.tenant_id, Ticket.number == number)
    return _living(scope, db.session.scalars(query).one_or_none())


def find_message(scope: Scope, message_id: str) -> TicketMessage | None:
    """The message of a conversation under this Message-ID."""
    query = select(TicketMessage).where(
        TicketMessage.tenant_id == scope.tenant_id, TicketMessage.message_id == message_id
    )
    return db.session.scalars(query).one_or_none()


def find_ticket_of(scope: Scope, message: TicketMessage) -> Ticket | None:
    """The live ticket a message belongs to, or the one that was merged into."""
    return _living(scope, db.session.get(Ticket, (scope.tenant_id, message.ticket_id)))


def find_ticket_named(scope: Scope, message_id: str) -> Ticket | None:
    """The ticket a mail of this Message-ID belongs to, whoever wrote it: its messages, and the mail that came in."""
    message = find_message(scope, message_id)
    if message is not None:
        return find_ticket_of(scope, message)
    came = select(ReceivedMail.ticket_id).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.message_id == message_id,
        ReceivedMail.state.in_((TICKETED, THREADED)),
    )
    ticket_id = db.session.scalars(came.limit(1)).first()
    return _living(scope, db.session.get(Ticket, (scope.tenant_id, ticket_id))) if ticket_id else None


def find_acknowledged(scope: Scope, message_id: str) -> Ticket | None:
    """The ticket whose receipt we confirmed by the mail of this Message-ID."""
    mail = find_own_mail(scope, message_id)
    if mail is None or not (mail.key or "").startswith(RECEIPT):
        return None
    return _living(scope, db.session.get(Ticket, (scope.tenant_id, UUID((mail.key or "")[len(RECEIPT) :]))))


def find_own_mail(scope: Scope, message_id: str) -> OutgoingMail | None:
    """The mail of ours under this Message-ID; those carry their row's id."""
    try:
        mail_id = UUID(message_id.strip("<>").partition("@")[0])
    except ValueError:
        return None
    return db.session.get(OutgoingMail, (scope.tenant_id, mail_id))


def find_last_reply(scope: Scope, ticket_id: UUID) -> TicketMessage | None:
    """The newest public reply of a ticket that has left."""
    query = select(TicketMessage).where(
        TicketMessage.tenant_id == scope.tenant_id,
        TicketMessage.ticket_id == ticket_id,
        TicketMessage.kind == REPLY,
        TicketMessage.state.not_in((HELD, WITHDRAWN)),
    )
    return db.session.scalars(query.order_by(TicketMessage.id.desc()).limit(1)).first()


def list_thread(scope: Scope, ticket_id: UUID, most: int = 30) -> list[TicketMessage]:
    """The newest public messages of a ticket, oldest first; none that was taken back."""
    query = (
        select(TicketMessage)
        .where(TicketMessage.tenant_id == scope.tenant_id, TicketMessage.ticket_id == ticket_id)
        .where(TicketMessage.kind != NOTE, TicketMessage.state != WITHDRAWN)
        .order_by(TicketMessage.id.desc())
        .limit(most)
    )
    return list(reversed(db.session.scalars(query).all()))


def list_strangers(scope: Scope, messages: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these messages came from somebody who had no part in the ticket."""
    query = select(ReceivedMail.message_row_id).where(
        ReceivedMail.tenant_id == scope.tenant_id,
        ReceivedMail.message_row_id.in_(list(messages)),
        ReceivedMail.stranger,
    )
    return frozenset(found for found in db.session.scalars(query) if found)


def find_colleague(scope: Scope, address: str) -> tuple[UUID, str] | None:
    """The id and name of the tenant's person with this address."""
    found = find_user_by_email(address) if address else None
    return (found.id, found.name) if found is not None and found.disabled_at is None else None


def is_acknowledged(scope: Scope, address: str, within: timedelta) -> bool:
    """Whether this address got a confirmation of receipt a short while ago."""
    query = select(OutgoingMail.id).where(
        OutgoingMail.tenant_id == scope.tenant_id,
        OutgoingMail.created_at > scope.now - within,
        OutgoingMail.template == "tickets/received",
        func.lower(OutgoingMail.to_address) == address.lower(),
    )
    return db.session.scalars(query.limit(1)).first() is not None


def find_mailbox_of(scope: Scope, ticket_id: UUID) -> Mailbox | None:
    """The mailbox a ticket came by."""
    query = (
        select(Mailbox)
        .join(
            ReceivedMail,
            (ReceivedMail.tenant_id == Mailbox.tenant_id) & (ReceivedMail.mailbox_id == Mailbox.id),
        )
        .where(Mailbox.tenant_id == scope.tenant_id, ReceivedMail.ticket_id == ticket_id, Mailbox.active)
        .where(or_(ReceivedMail.state == TICKETED, ReceivedMail.state == THREADED))
        .order_by(ReceivedMail.id.desc())
    )
    return db.session.scalars(query.limit(1)).first()


def _living(scope: Scope, ticket: Ticket | None) -> Ticket | None:
    """The ticket itself, or the one it was merged into; None for one that was deleted."""
    for _ in range(_MERGES_MAX):
        if ticket is None or ticket.merged_into_id is None:
            break
        ticket = db.session.get(Ticket, (scope.tenant_id, ticket.merged_into_id))
    return ticket if ticket is not None and ticket.deleted_at is None else None
