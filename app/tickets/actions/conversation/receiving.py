"""What a customer, or somebody else who is no agent, writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.core.events import publish
from app.core.records import actions as records
from app.core.records.text import clean
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.incoming.bodies import read_html
from app.notifications.actions import notify
from app.tickets import queries
from app.tickets.actions import clocks, files
from app.tickets.actions.conversation.parts import beginning, link_to, move, new_row, remember_words, title_of
from app.tickets.actions.files import NewFile
from app.tickets.definition import TICKETS
from app.tickets.events import TicketReceived
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.queries.relations import find_final
from app.tickets.rules import lifecycle


@dataclass(frozen=True, slots=True)
class Received:
    """What a requester, or somebody else who is no agent, wrote. `body` is plain text without what it quotes.

    `automatic`: written by a machine, so nobody is told, nothing is reopened, and no clock notes it. `stranger`:
    written by somebody who has no part in the ticket; colleagues are told, the rest does not happen either. `at` is
    when it was received, now by default.
    """

    body: str
    author_name: str
    author_email: str | None = None
    author_id: UUID | None = None
    body_html: str | None = None
    quoted_text: str | None = None
    channel: str = "email"
    recipients: Mapping[str, Sequence[str]] = field(default_factory=dict)
    message_id: str | None = None
    in_reply_to: str | None = None
    files: Sequence[NewFile] = ()
    automatic: bool = False
    stranger: bool = False
    at: datetime | None = None
    key: str | None = None


def receive(scope: Scope, ticket: Ticket, new: Received) -> TicketMessage:
    """Stores what a customer wrote: on the ticket it was written about, the one that was merged into, or a new one
    that follows, if that was closed for good. Once for a Message-ID or key.

    A finished ticket within its time to reopen, and one that waited for its customer, is open again.
    """
    if (before := _received_before(scope, new)) is not None:
        return before
    ticket = queries.get_ticket(scope, find_final(queries.get_ticket(scope, ticket.id)).id, lock=True)
    follows = None
    moves = not new.automatic and not new.stranger
    if ticket.status in lifecycle.DONE and moves:
        done_at, days = ticket.resolved_at or ticket.closed_at, queries.get_desk_settings(scope).reopen_days
        # One that is still merged went into a ticket that was deleted.
        if ticket.merged_into_id is not None or not lifecycle.may_reopen(ticket.status, done_at, scope.now, days):
            ticket, follows = _follow_up(scope, ticket, new), ticket
    message = _store(scope, ticket, new, m.OPENING if follows is not None else m.CUSTOMER)
    remember_words(ticket, message.body)
    ticket.updated_at = scope.now
    if moves:
        ticket.last_customer_at = new.at or scope.now
        if follows is None:
            clocks.note(scope, ticket, "customer_message", at=new.at or scope.now)
        if ticket.status == lifecycle.PENDING or ticket.status in lifecycle.DONE:
            move(scope, ticket, lifecycle.OPEN)
    publish(scope, TicketReceived("ticket", ticket.id, message_id=message.id))
    if not new.automatic:
        _tell_received(scope, ticket, message)
    return message


def _store(scope: Scope, ticket: Ticket, new: Received, kind: str) -> TicketMessage:
    message = new_row(scope, ticket, kind, clean(new.body))
    message.author_id, message.author_name, message.author_email = new.author_id, new.author_name, new.author_email
    # Once more, whoever says it is clean: this is the one place through which HTML of strangers comes in.
    message.body_html = read_html(new.body_html, with_text=False).clean if new.body_html else None
    message.quoted_text, message.channel, message.automatic = new.quoted_text, new.channel, new.automatic
    message.recipients = {side: list(addresses) for side, addresses in new.recipients.items()}
    message.message_id, message.in_reply_to, message.key = new.message_id, new.in_reply_to, new.key
    message.state = m.RECEIVED
    db.session.add(message)
    db.session.flush()
    files.keep_files(scope, ticket, message, new.files)
    return message


def _received_before(scope: Scope, new: Received) -> TicketMessage | None:
    found = reading.find_message_by_key(scope, new.key) if new.key else None
    return found or (reading.find_message(scope, new.message_id) if new.message_id else None)


def _follow_up(scope: Scope, ticket: Ticket, new: Received) -> Ticket:
    """A new ticket of the same requester that follows one which is closed for good."""
    values = {
        "subject": ticket.subject,
        "description": new.body,
        "requester_name": new.author_name or ticket.requester_name,
        "requester_email": new.author_email or ticket.requester_email,
        "customer": ticket.customer,
        "category_id": ticket.category_id,
        "team_id": ticket.team_id,
        "channel": new.channel,
        "language": ticket.language,
    }
    made = records.make_record(scope, TICKETS, values)
    assert isinstance(made, Ticket)
    made.follows_id = ticket.id
    db.session.flush()
    return made


def _tell_received(scope: Scope, ticket: Ticket, message: TicketMessage) -> None:
    """Whoever works on it; if nobody does, its team."""
    to = [ticket.owner_id] if ticket.owner_id else reading.list_team_members(scope, ticket.team_id)
    subject = f"{message.author_name or 'The requester'} wrote on {title_of(ticket)}"
    notify(scope, to, kind="ticket.received", subject=subject, body=beginning(message.body),
           link=link_to(message), key=f"received:{message.id}")  # fmt: skip
