"""Replies to the requester and notes among colleagues; taking a reply back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.live.telling import tell
from app.core.records.actions.stale import refuse_stale
from app.core.records.text import clean
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions import clocks, drafts, files
from app.tickets.actions.addresses import read_addresses
from app.tickets.actions.conversation.leaving import let_leave, tell_mentioned
from app.tickets.actions.conversation.parts import can_move, new_row, remember_words, touch
from app.tickets.actions.ringing import arm
from app.tickets.definition import TICKETS
from app.tickets.events import ReplyWithdrawn, TicketNoted
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.queries.relations import find_final
from app.tickets.rules import conversation as rules
from app.tickets.rules import lifecycle

_KEY_MAX = 255


class ReplyCrossed(Conflict):
    """Somebody else replied while the asker was writing. `message` is what they said."""

    def __init__(self, crossing: TicketMessage) -> None:
        super().__init__(
            f"{crossing.author_name} replied while you were writing. Read it below; your text is still here.",
            by=crossing.author_name,
        )
        self.crossing = crossing


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
    ends_draft: bool = True,
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
        ends_draft: what the asker was writing has become this; False for a program, whose person may be writing.

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
    if message.send_at is None:
        if ends_draft:
            drafts.end_draft(scope, ticket.id)
        let_leave(scope, ticket, message, status)
    else:
        typed = cc if isinstance(cc, str) else ", ".join(cc)
        drafts.bind_draft(scope, ticket.id, message.id, body=message.body, cc=typed, kind="reply", then_status=status)
    tell(scope.tenant_id, f"ticket:{ticket.id}")
    return message


def add_note(
    scope: Scope,
    ticket_id: UUID,
    body: str,
    *,
    files: Sequence[UUID] | None = (),
    key: str | None = None,
    ends_draft: bool = True,
) -> TicketMessage:
    """Says something among colleagues; whoever it names with an @ and may see the ticket is told. The rest as `reply`.

    Raises:
        NotFound, Forbidden: the ticket is not the asker's to change.
        Invalid: nothing is said, or it is too long.
    """
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    if (before := _sent_before(scope, ticket, key)) is not None:
        return before
    message = _say(scope, ticket, m.NOTE, body, files, key)
    message.state, message.sent_at = m.SENT, scope.now
    if ends_draft:
        drafts.end_draft(scope, ticket.id)
    remember_words(ticket, message.body)
    ticket.updated_at = scope.now
    clocks.note(scope, ticket, "agent_internal_note")
    publish(scope, TicketNoted("ticket", ticket.id, message_id=message.id))
    tell_mentioned(scope, ticket, message)
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
    touch(scope, message)
    draft = reading.find_draft_of(scope, message.id)
    if draft is not None:
        # Where the asker goes on writing: the ticket it was written on may be part of this one now.
        draft.ticket_id = ticket_id
    body = drafts.unbind_draft(scope, draft).body if draft else message.body
    for row in reading.list_files(scope, [message.id]).get(message.id, []):
        row.message_id, row.ticket_id = None, ticket_id
    db.session.flush()
    publish(scope, ReplyWithdrawn("ticket", ticket_id, message_id=message.id))
    arm(scope, ticket_id, scope.now)
    return body


def _say(
    scope: Scope, ticket: Ticket, kind: str, body: str, uploads: Sequence[UUID] | None, key: str | None
) -> TicketMessage:
    body = clean(body)
    if len(body) > rules.BODY_MAX:
        raise Invalid({"body": f"This is longer than {rules.BODY_MAX:,} characters. Send it in parts, or as a file."})
    rows = files.take_waiting(scope, ticket.id, uploads)
    if not body and not rows:
        raise Invalid({"body": "Write something first."})
    message = new_row(scope, ticket, kind, body)
    message.author_id, message.author_name, message.author_email = scope.user_id, scope.user_name, scope.user_email
    message.key, message.channel = _key_of(scope, key) if key else None, "web"
    db.session.add(message)
    db.session.flush()
    for row in rows:
        row.message_id = message.id
    db.session.flush()
    return message


def _sent_before(scope: Scope, ticket: Ticket, key: str | None) -> TicketMessage | None:
    """The message this form has made already. The lock on the ticket is held: whoever was faster has committed."""
    found = reading.find_message_by_key(scope, _key_of(scope, key)) if key else None
    if found is not None and found.ticket_id != ticket.id:
        raise Invalid({"": "This form was used for something else already. Reload the page and send again."})
    if found is not None and found.state == m.WITHDRAWN:
        # A page of before, come back to: to say that it was sent would lose it.
        raise Invalid({"": "This reply was taken back, and its text is a draft again. Reload the page and send it."})
    return found


def _key_of(scope: Scope, key: str) -> str:
    """One person's keys are not another's."""
    if not 1 <= len(key) <= _KEY_MAX or not key.isprintable():
        raise Invalid({"": "This form is not whole any more. Reload the page and send again."})
    return f"{scope.user_id}:{key}"


def _refuse_merged(scope: Scope, ticket: Ticket) -> None:
    if ticket.merged_into_id is not None:
        into = find_final(ticket)
        raise Invalid({"": f"This ticket was merged into #{into.number}. Reply there."})


def _check_status(scope: Scope, ticket: Ticket, status: str | None, version: int | None) -> None:
    """Refuses now what would be refused when the reply leaves."""
    if status is None:
        return
    if status not in lifecycle.MOVES:
        raise Invalid({"status": "Choose a status to move to."})
    if version is not None:
        refuse_stale(scope, TICKETS, ticket, version, {"status": status})
    if not can_move(ticket, status):
        labels = {value: label for value, label, _ in lifecycle.STATUSES}
        raise Invalid({"status": f"{labels[ticket.status]} cannot become {labels[status]}."})
