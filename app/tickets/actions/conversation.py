"""What is said about a ticket: replies to its requester, notes among colleagues, and what the requester writes.

A reply is held for as long as it can be taken back, and does nothing until then; when it leaves (`release`), it counts
for the clocks as of the instant it was sent by its author (ADR 36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts.queries import find_person, get_tenant, scope_of
from app.core import people
from app.core.access import EVERYTHING
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid, NotFound
from app.core.events import publish
from app.core.live.telling import tell
from app.core.records import actions as records
from app.core.records.actions.stale import refuse_stale
from app.core.records.reach import may_see
from app.core.records.text import clean, words
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.incoming.bodies import read_html
from app.notifications.actions import notify
from app.tickets import queries
from app.tickets.actions import clocks, drafts, files, outgoing
from app.tickets.actions.addresses import read_addresses
from app.tickets.actions.files import NewFile
from app.tickets.definition import TICKETS
from app.tickets.events import ReplyWithdrawn, TicketNoted, TicketReceived, TicketReplied
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.rules import conversation as rules
from app.tickets.rules import lifecycle

_QUOTE = 200
_KEY_MAX = 255


class ReplyCrossed(Conflict):
    """Somebody else replied while the asker was writing. `message` is what they said."""

    def __init__(self, crossing: TicketMessage) -> None:
        super().__init__(
            f"{crossing.author_name} replied while you were writing. Read it below; your text is still here.",
            by=crossing.author_name,
        )
        self.crossing = crossing


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


def reply(
    scope: Scope,
    ticket_id: UUID,
    body: str,
    *,
    cc: Sequence[str] | str = (),
    files: Sequence[UUID] | None = (),
    status: str | None = None,
    version: int | None = None,
    seen: UUID | None = None,
    cross: bool = True,
    key: str | None = None,
    hold: bool = True,
) -> TicketMessage:
    """Answers the requester, publicly. Held for the tenant's time to take it back, then it leaves.

    Args:
        body: markdown.
        cc: addresses, also as one typed text.
        files: the asker's uploads that go with it; None for all of them.
        status: what the ticket becomes when the reply leaves; refused now if that cannot be.
        version: of the ticket as the asker saw it; checked with `status`.
        seen: the last message the asker saw; a newer reply of somebody else is a reason to look first.
        cross: True sends all the same.
        key: names this reply; the same again is the same reply, whatever it says.
        hold: False lets it leave with this transaction.

    Raises:
        NotFound, Forbidden: the ticket is not the asker's to change.
        ReplyCrossed: somebody else replied since `seen`.
        Conflict: the ticket was moved to another status since `version`.
        Invalid: nothing is said, or something of it cannot be.
    """
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    if (before := _sent_before(scope, ticket, key)) is not None:
        return before
    _refuse_merged(scope, ticket)
    copies = read_addresses(cc, most=rules.CC_MAX)
    _check_status(scope, ticket, status, version)
    if not cross and (crossing := reading.find_crossing(scope, ticket.id, seen)) is not None:
        raise ReplyCrossed(crossing)
    undo = queries.get_desk_settings(scope).undo_seconds if hold else 0
    message = _say(scope, ticket, m.REPLY, body, files, key)
    message.recipients = {"to": [ticket.requester_email] if ticket.requester_email else [], "cc": copies}
    message.send_at = rules.leaves_at(scope.now, undo)
    message.state = m.HELD
    typed = cc if isinstance(cc, str) else ", ".join(cc)
    drafts.bind_draft(scope, ticket.id, message.id, body=message.body, cc=typed, kind="reply", then_status=status)
    if message.send_at is None:
        _release(scope, ticket, message)
    tell(scope.tenant_id, f"ticket:{ticket.id}")
    return message


def add_note(
    scope: Scope, ticket_id: UUID, body: str, *, files: Sequence[UUID] | None = (), key: str | None = None
) -> TicketMessage:
    """Says something among colleagues; whoever it names with an @ and may see the ticket is told.

    Raises:
        NotFound, Forbidden: the ticket is not the asker's to change.
        Invalid: nothing is said, or it is too long.
    """
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    if (before := _sent_before(scope, ticket, key)) is not None:
        return before
    message = _say(scope, ticket, m.NOTE, body, files, key)
    message.state, message.sent_at = m.SENT, scope.now
    drafts.end_draft(scope, ticket.id)
    remember_words(ticket, message.body)
    ticket.updated_at = scope.now
    clocks.note(scope, ticket, "agent_internal_note")
    publish(scope, TicketNoted("ticket", ticket.id, message_id=message.id))
    tell_mentioned(scope, ticket, message)
    return message


def receive(scope: Scope, ticket: Ticket, new: Received) -> TicketMessage:
    """Stores what a customer wrote: on the ticket it was written about, the one that was merged into, or a new one
    that follows, if that was closed for good. Once for a Message-ID or key.

    A finished ticket within its time to reopen, and one that waited for its customer, is open again.
    """
    if (before := _received_before(scope, new)) is not None:
        return before
    ticket = reading.get_merged(scope, queries.get_ticket(scope, ticket.id, lock=True))
    follows = None
    moves = not new.automatic and not new.stranger
    if ticket.status in lifecycle.DONE and moves:
        done_at, days = ticket.closed_at or ticket.resolved_at, queries.get_desk_settings(scope).reopen_days
        if not lifecycle.may_reopen(ticket.status, ticket.resolved_at or done_at, scope.now, days):
            ticket, follows = _follow_up(scope, ticket, new), ticket
    message = _store(scope, ticket, new, m.OPENING if follows is not None else m.CUSTOMER)
    remember_words(ticket, message.body)
    ticket.updated_at = scope.now
    if moves:
        ticket.last_customer_at = new.at or scope.now
        if follows is None:
            clocks.note(scope, ticket, "customer_message", at=new.at or scope.now)
        if ticket.status == lifecycle.PENDING or ticket.status in lifecycle.DONE:
            _move(scope, ticket, lifecycle.OPEN)
    publish(scope, TicketReceived("ticket", ticket.id, message_id=message.id))
    if not new.automatic:
        _tell_received(scope, ticket, message)
    return message


def withdraw(scope: Scope, ticket_id: UUID, message_id: UUID) -> str:
    """Takes one's own reply back while it is held; its text is a draft again, which is returned.

    Raises:
        NotFound: there is no such reply. Invalid: it is somebody else's, or has left.
    """
    queries.get_ticket(scope, ticket_id, lock=True)
    message = reading.get_message(scope, ticket_id, message_id, lock=True)
    if message.author_id != scope.user_id:
        raise Invalid({"": "Only whoever sent a reply can take it back."})
    if message.state == m.WITHDRAWN:
        draft = reading.find_draft(scope, ticket_id)
        return draft.body if draft else message.body
    if message.state != m.HELD:
        raise Invalid({"": "It is too late to take this back: the reply has left."})
    message.state = m.WITHDRAWN
    _touch(scope, message)
    draft = reading.find_draft_of(scope, message.id)
    body = drafts.unbind_draft(scope, draft).body if draft else message.body
    for row in reading.list_files(scope, [message.id]).get(message.id, []):
        row.message_id = None
    db.session.flush()
    publish(scope, ReplyWithdrawn("ticket", ticket_id, message_id=message.id))
    return body


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
        _release(scope, ticket, message)
    elif message.state in (m.FAILED, m.BOUNCED):
        message.state, message.state_reason = m.QUEUED, None
        _touch(scope, message)
        outgoing.send_reply(scope, message)
        tell(scope.tenant_id, f"ticket:{ticket.id}")
    return message


def release(scope: Scope, message_id: UUID) -> bool:
    """A held reply whose time is over leaves, in its author's name. False if it has left, was taken back, or another
    process is at it: a reply leaves once."""
    message = reading.find_held(scope, message_id)
    if message is None or message.send_at is None or message.send_at > scope.now:
        return False
    author = replace(scope, user_id=message.author_id, user_name=message.author_name)
    try:
        ticket = queries.get_ticket(author, message.ticket_id, lock=True)
    except NotFound:
        # The ticket was deleted while it waited: nothing is said about it any more.
        message.state, message.state_reason = m.FAILED, "The ticket was deleted before the reply left."
        _touch(scope, message)
        return False
    _release(author, ticket, message)
    return True


def remember_words(ticket: Ticket, *texts: str) -> None:
    """What was said is found by the search of tickets."""
    found = [word for text in texts for word in words(text[: rules.BODY_MAX])]
    ticket.conversation_text = rules.new_words(ticket.conversation_text or "", found)


def tell_mentioned(scope: Scope, ticket: Ticket, message: TicketMessage) -> list[UUID]:
    """Tells those whom the message names with an @ and who may see the ticket; returns who they are."""
    crowd = [(one.id, one.name, one.email) for one in people.list_people(scope) if one.active]
    named = [user_id for user_id in rules.mentioned(message.body, crowd) if _sees(scope, user_id, ticket)]
    if named:
        what = "a note" if message.kind == m.NOTE else "a reply"
        subject = f"{message.author_name} named you in {what} on {_title(ticket)}"
        notify(scope, named, kind="ticket.mentioned", subject=subject, body=_beginning(message.body),
               link=_link(ticket), key=f"mentioned:{message.id}")  # fmt: skip
    return named


def _release(scope: Scope, ticket: Ticket, message: TicketMessage) -> None:
    """Everything a public reply does, at the moment it leaves; as of when its author sent it."""
    at = message.created_at
    message.state, message.send_at = m.QUEUED, None
    _touch(scope, message)
    ticket.first_replied_at = ticket.first_replied_at or at
    if ticket.last_customer_at is not None and ticket.last_customer_at <= at:
        ticket.last_customer_at = None
    ticket.updated_at = scope.now
    remember_words(ticket, message.body)
    db.session.flush()
    clocks.note(scope, ticket, "agent_public_reply", at=at)
    publish(scope, TicketReplied("ticket", ticket.id, message_id=message.id))
    draft = reading.find_draft_of(scope, message.id)
    then = draft.then_status if draft else None
    if draft is not None:
        db.session.delete(draft)
    _take(scope, ticket)
    if then is None and ticket.status == lifecycle.NEW:
        then = lifecycle.OPEN
    if then is not None and _can_move(ticket, then):
        _move(scope, ticket, then)
    tell_mentioned(scope, ticket, message)
    if message.recipients.get("to") or message.recipients.get("cc"):
        outgoing.send_reply(scope, message)
    else:
        message.state, message.sent_at = m.SENT, scope.now
        message.state_reason = "Not mailed: the requester has no address."
    db.session.flush()


def _take(scope: Scope, ticket: Ticket) -> None:
    """A ticket of nobody's becomes that of whoever replies first, if the tenant wants that."""
    if ticket.owner_id is None and scope.user_id is not None and queries.get_desk_settings(scope).assign_on_reply:
        records.update_record(_anyone(scope), TICKETS, ticket.id, ticket.version, {"owner_id": scope.user_id})


def _move(scope: Scope, ticket: Ticket, to: str) -> None:
    records.move_record(_anyone(scope), TICKETS, ticket.id, ticket.version, to)


def _can_move(ticket: Ticket, to: str) -> bool:
    return ticket.status == to or to in lifecycle.MOVES.get(ticket.status, ())


def _anyone(scope: Scope) -> Scope:
    """The same person, for what follows from their message whatever their role: they need not be allowed to do it."""
    assign = TICKETS.permission("assign")
    return replace(scope, permissions=scope.permissions | {assign}, reach={}, reach_elsewhere=EVERYTHING)


def _say(
    scope: Scope, ticket: Ticket, kind: str, body: str, uploads: Sequence[UUID] | None, key: str | None
) -> TicketMessage:
    body = clean(body)
    if len(body) > rules.BODY_MAX:
        raise Invalid({"body": f"This is longer than {rules.BODY_MAX:,} characters. Send it in parts, or as a file."})
    rows = files.take_waiting(scope, ticket.id, uploads)
    if not body and not rows:
        raise Invalid({"body": "Write something first."})
    message = _row(scope, ticket, kind, body)
    message.author_id, message.author_name, message.author_email = scope.user_id, scope.user_name, scope.user_email
    message.key, message.channel = _key_of(scope, key) if key else None, "web"
    db.session.add(message)
    db.session.flush()
    for row in rows:
        row.message_id = message.id
    db.session.flush()
    return message


def _store(scope: Scope, ticket: Ticket, new: Received, kind: str) -> TicketMessage:
    message = _row(scope, ticket, kind, clean(new.body))
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


def _row(scope: Scope, ticket: Ticket, kind: str, body: str) -> TicketMessage:
    return TicketMessage(
        tenant_id=scope.tenant_id,
        id=new_id(),
        ticket_id=ticket.id,
        kind=kind,
        body=body,
        recipients={},
        state=m.SENT,
        automatic=False,
        created_at=scope.now,
        updated_at=scope.now,
        version=1,
    )


def _sent_before(scope: Scope, ticket: Ticket, key: str | None) -> TicketMessage | None:
    """The message this form has made already. The lock on the ticket is held: whoever was faster has committed."""
    found = reading.find_message_by_key(scope, _key_of(scope, key)) if key else None
    if found is not None and found.ticket_id != ticket.id:
        raise Invalid({"": "This form was used for something else already. Reload the page and send again."})
    return found


def _key_of(scope: Scope, key: str) -> str:
    """One person's keys are not another's."""
    if not 1 <= len(key) <= _KEY_MAX or not key.isprintable():
        raise Invalid({"": "This form is not whole any more. Reload the page and send again."})
    return f"{scope.user_id}:{key}"


def _received_before(scope: Scope, new: Received) -> TicketMessage | None:
    found = reading.find_message_by_key(scope, new.key) if new.key else None
    return found or (reading.find_message(scope, new.message_id) if new.message_id else None)


def _refuse_merged(scope: Scope, ticket: Ticket) -> None:
    if ticket.merged_into_id is not None:
        into = reading.get_merged(scope, ticket)
        raise Invalid({"": f"This ticket was merged into #{into.number}. Reply there."})


def _check_status(scope: Scope, ticket: Ticket, status: str | None, version: int | None) -> None:
    """Refuses now what would be refused when the reply leaves."""
    if status is None:
        return
    if status not in lifecycle.MOVES:
        raise Invalid({"status": "Choose a status to move to."})
    if version is not None:
        refuse_stale(scope, TICKETS, ticket, version, {"status": status})
    if not _can_move(ticket, status):
        labels = {value: label for value, label, _ in lifecycle.STATUSES}
        raise Invalid({"status": f"{labels[ticket.status]} cannot become {labels[status]}."})


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
    subject = f"{message.author_name or 'The requester'} wrote on {_title(ticket)}"
    notify(scope, to, kind="ticket.received", subject=subject, body=_beginning(message.body),
           link=_link(ticket), key=f"received:{message.id}")  # fmt: skip


def _sees(scope: Scope, user_id: UUID, ticket: Ticket) -> bool:
    who = find_person(scope.tenant_id, user_id)
    if who is None:
        return False
    theirs = scope_of(get_tenant(scope.tenant_id), who, scope.now)
    return theirs.may(TICKETS.permission("read")) and may_see(theirs, TICKETS, ticket.owner_id)


def _touch(scope: Scope, message: TicketMessage) -> None:
    message.version += 1
    message.updated_at = scope.now
    db.session.flush()


def _title(ticket: Ticket) -> str:
    return f"#{ticket.number} {ticket.subject}"


def _beginning(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1].rstrip() + "…"


def _link(ticket: Ticket) -> tuple[str, dict[str, Any]]:
    return "tickets.show", {"record_id": ticket.id}
