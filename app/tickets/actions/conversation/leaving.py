"""A reply leaves: when its time to be taken back is over, early, or once more."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from app.core.errors import Invalid, NotFound
from app.core.events import publish
from app.core.live.telling import tell
from app.core.records import actions as records
from app.core.scope import Scope
from app.extensions import db
from app.notifications.actions import notify
from app.tickets import queries
from app.tickets.actions import clocks, outgoing
from app.tickets.actions.conversation.mentioning import crowd_of, sees
from app.tickets.actions.conversation.parts import (
    anyone,
    beginning,
    can_move,
    link_to,
    move,
    remember_words,
    title_of,
    touch,
)
from app.tickets.definition import TICKETS
from app.tickets.events import TicketReplied
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.queries.relations import find_final
from app.tickets.rules import conversation as rules
from app.tickets.rules import lifecycle


def send_now(scope: Scope, ticket_id: UUID, message_id: UUID) -> TicketMessage:
    """Lets a held reply leave before its time, or one that could not be delivered leave once more.

    Raises:
        NotFound: there is no such reply. Forbidden: the ticket is not the asker's to change.
        Invalid: it was taken back, or is held and somebody else's.
    """
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    message = reading.get_message(scope, ticket_id, message_id, lock=True)
    if message.kind != m.REPLY or message.state == m.WITHDRAWN:
        raise Invalid({"": "This is no reply that could be sent."})
    if message.state == m.HELD:
        if message.author_id != scope.user_id:
            raise Invalid({"": "Only whoever wrote a reply can send it early."})
        let_leave(scope, ticket, message)
    elif message.state in (m.FAILED, m.BOUNCED):
        message.state, message.state_reason = m.QUEUED, None
        if address := db.session.get_one(Ticket, (scope.tenant_id, message.ticket_id)).requester_email:
            # Who sends again has corrected the address.
            message.recipients = {**message.recipients, "to": [address]}
        touch(scope, message)
        outgoing.send_reply(scope, message)
        tell(scope.tenant_id, f"ticket:{ticket.id}")
    return message


def release(scope: Scope, message_id: UUID) -> bool:
    """A held reply whose time is over leaves, in its author's name. False if it has left, was taken back, or another
    process is at it: a reply leaves once."""
    waiting = reading.find_held(scope, message_id)
    if waiting is None or waiting.send_at is None or waiting.send_at > scope.now:
        return False
    author = replace(scope, user_id=waiting.author_id, user_name=waiting.author_name)
    try:
        # The ticket first, as whoever takes a reply back does: else the two would wait for each other.
        ticket = queries.get_ticket(author, waiting.ticket_id, lock=True)
    except NotFound:
        ticket = None
    message = reading.find_held(scope, message_id, lock=True)
    if message is None:
        return False
    if ticket is None:
        # It was deleted while the reply waited: nothing is said about it any more.
        message.state, message.state_reason = m.FAILED, "The ticket was deleted before the reply left."
        if (draft := reading.find_draft_of(scope, message.id)) is not None:
            db.session.delete(draft)
        touch(scope, message)
        return False
    let_leave(author, ticket, message)
    return True


def tell_mentioned(scope: Scope, ticket: Ticket, message: TicketMessage) -> list[UUID]:
    """Tells those whom the message names with an @ and who may see the ticket; returns who they are."""
    named = [one for one in rules.mentioned(message.body, crowd_of(scope)) if sees(scope, one, ticket)]
    if named:
        what = "a note" if message.kind == m.NOTE else "a reply"
        subject = f"{message.author_name} named you in {what} on {title_of(ticket)}"
        notify(scope, named, kind="ticket.mentioned", subject=subject, body=beginning(message.body),
               link=link_to(message), key=f"mentioned:{message.id}")  # fmt: skip
    return named


def let_leave(scope: Scope, ticket: Ticket, message: TicketMessage, then: str | None = None) -> None:
    """Everything a public reply does, at the moment it leaves; as of when its author sent it. `then` is what the ticket
    becomes; of a reply that was held its draft says so.

    A ticket that was merged meanwhile lives on in another: what follows from the reply does so there, but for the
    status that was meant for the one it was written on.
    """
    ticket = _living(ticket)
    is_elsewhere = ticket.id != message.ticket_id
    at = message.created_at
    message.state, message.send_at = m.QUEUED, None
    touch(scope, message)
    ticket.first_replied_at = ticket.first_replied_at or at
    if ticket.last_customer_at is not None and ticket.last_customer_at <= at:
        ticket.last_customer_at = None
    ticket.updated_at = scope.now
    remember_words(ticket, message.body)
    db.session.flush()
    clocks.note(scope, ticket, "agent_public_reply", at=at)
    publish(scope, TicketReplied("ticket", ticket.id, message_id=message.id))
    draft = reading.find_draft_of(scope, message.id)
    then = None if is_elsewhere else draft.then_status if draft else then
    if draft is not None:
        db.session.delete(draft)
    _take(scope, ticket)
    if then is None and ticket.status == lifecycle.NEW:
        then = lifecycle.OPEN
    if then is not None and can_move(ticket, then):
        move(scope, ticket, then)
    tell_mentioned(scope, ticket, message)
    if message.recipients.get("to") or message.recipients.get("cc"):
        outgoing.send_reply(scope, message)
    else:
        message.state, message.sent_at = m.SENT, scope.now
        message.state_reason = "Not mailed: the requester has no address."
    db.session.flush()


def _living(ticket: Ticket) -> Ticket:
    """The ticket, or the one it was merged into, locked."""
    into = find_final(ticket)
    if into is not ticket:
        db.session.refresh(into, with_for_update=True)
    return into


def _take(scope: Scope, ticket: Ticket) -> None:
    """A ticket of nobody's becomes that of whoever replies first, if the tenant wants that."""
    if ticket.owner_id is None and scope.user_id is not None and queries.get_desk_settings(scope).assign_on_reply:
        records.update_record(anyone(scope), TICKETS, ticket.id, ticket.version, {"owner_id": scope.user_id})
