"""A mail as a ticket, or as a message of one: who wrote it, and what it may do there.

Everybody can write any name into From, and reply addresses get around. So whoever has a part in the ticket is taken
for its customer's side; a colleague's mail becomes an internal note and never a public reply; and what a stranger
writes stands in the ticket, marked as from somebody else, and is never quoted to the requester.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.core.clock import new_id
from app.core.events import publish
from app.core.records.actions import make_record
from app.core.scope import Scope
from app.core.storage import files
from app.extensions import db
from app.gateways.mail.incoming import IncomingMail, MailAddress, automatic
from app.gateways.mail.incoming.threading import known_secrets, ticket_of
from app.notifications.actions import notify
from app.tickets.actions import conversation, outgoing
from app.tickets.actions.conversation import Received
from app.tickets.actions.conversation.parts import beginning, link_to
from app.tickets.actions.files import NewFile, keep_files
from app.tickets.definition import TICKETS
from app.tickets.events import TicketNoted, TicketReceived
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models.mail import Mailbox, ReceivedMail
from app.tickets.models.messages import NOTE, OPENING, RECEIVED
from app.tickets.queries import mailboxes, received
from app.tickets.rules.mail_in import PARTICIPANTS_MAX, participants

_NO_SUBJECT = "No subject"
_UNREADABLE = "A mail came in that could not be read. The whole mail is attached."
_CONFIRMED = timedelta(days=2)
_SUBJECT_MAX, _DESCRIPTION_MAX, _NAME_MAX = 300, 50_000, 120
_BY_MAIL = "Sent by mail from a colleague's address. Nothing proves who wrote it, so it stays inside."
_STAYS = (
    "The customer has not got it: nothing in a mail proves who wrote it. To answer them, reply on the ticket's page."
)


@dataclass(frozen=True, slots=True)
class Added:
    """Where a mail went: to the ticket it answers, or to one that follows that."""

    ticket_id: UUID
    message_id: UUID
    new_ticket: bool = False
    stranger: bool = False
    reason: str = ""


def sender_of(scope: Scope, mail: IncomingMail) -> MailAddress | None:
    """Who wants an answer: Reply-To before From, except on a list, whose Reply-To is all of its people, and unless it
    is an address of ours: answers would come back to us."""
    own = mailboxes.list_own_addresses(scope)
    others = (one for one in mail.reply_to if one.address.lower() not in own)
    answer = next((one for one in others if not _is_reply_address(scope, one.address)), None)
    if mail.from_ is None or answer is None:
        return answer or mail.from_
    same = answer.address.lower() == mail.from_.address.lower()
    return mail.from_ if same or mail.automatic == automatic.LIST else answer


def open_ticket(
    scope: Scope, row: ReceivedMail, mailbox: Mailbox | None, mail: IncomingMail, *, readable: bool
) -> tuple[Ticket, TicketMessage]:
    """A new ticket of a mail. What a colleague forwards is the ticket of whoever wrote it first.

    `readable` False: the ticket has the whole mail as a file.
    """
    requester, forwarder = _requester(scope, mail)
    text = mail.reply_text or mail.text
    body = text if readable else "\n\n".join((_UNREADABLE, *mail.problems))
    subject = (mail.topic if forwarder else mail.subject) or mail.subject
    ticket = make_record(
        scope,
        TICKETS,
        {
            "subject": subject[:_SUBJECT_MAX] or _NO_SUBJECT,
            "description": body[:_DESCRIPTION_MAX] or None,
            "requester_name": _name(requester),
            "requester_email": requester.address if requester else None,
            "channel": "email",
            "category_id": mailbox.category_id if mailbox else None,
            "team_id": mailbox.team_id if mailbox else None,
            "opened_at": row.received_at,
            "tags": (),
        },
    )
    assert isinstance(ticket, Ticket)
    message = _message(scope, row, mail, ticket, requester, kind=OPENING, body=body)
    _keep(scope, row, mail, ticket, message, whole=not readable)
    conversation.remember_words(ticket, body)
    publish(scope, TicketReceived("ticket", ticket.id, message_id=message.id))
    if forwarder:
        message.state_reason = f"Forwarded by {forwarder}."
        # Whose mail it is: what is kept of a person is found by this (ADR 35).
        row.from_address = requester.address.lower() if requester else row.from_address
    elif mail.automatic is None and requester is not None and not _is_old(scope, mail):
        outgoing.acknowledge(scope, ticket, mailbox, message)
    db.session.flush()
    return ticket, message


def _is_old(scope: Scope, mail: IncomingMail) -> bool:
    """A mailbox that is fetched for the first time may hold years of mail: nobody waits for a confirmation of that."""
    return mail.date is not None and scope.now - mail.date > _CONFIRMED


def add_to_ticket(scope: Scope, row: ReceivedMail, ticket: Ticket, mail: IncomingMail) -> Added:
    """The mail as what it is to the ticket: its customer's words, a colleague's note, or a stranger's."""
    sender = sender_of(scope, mail)
    known = _has_part(scope, ticket, mail)
    colleague = received.find_colleague(scope, mail.from_.address if mail.from_ else "")
    if colleague is not None and not _is_requester(ticket, mail.from_):
        return _note(scope, row, mail, ticket, colleague)
    reason = "" if known else f"From somebody else: {sender.address if sender else 'an unknown sender'}."
    message = conversation.receive(
        scope,
        ticket,
        Received(
            body=(mail.reply_text or mail.text) if not mail.unreadable else _UNREADABLE,
            author_name=_name(sender) or (sender.address if sender else "Unknown sender"),
            author_email=sender.address if sender else None,
            channel="email",
            body_html=mail.html,
            quoted_text=_quoted(mail),
            # Whom a stranger names gets nothing of ours.
            recipients={"to": _named(mail), "cc": _copies(scope, mail, ticket, sender) if known else []},
            message_id=_free_id(scope, row, mail),
            in_reply_to=mail.in_reply_to,
            files=_files_of(row, mail, whole=mail.unreadable),
            stranger=not known,
            at=row.received_at,
        ),
    )
    if reason:
        message.state_reason = reason
        db.session.flush()
    new = message.ticket_id != ticket.id
    return Added(message.ticket_id, message.id, new_ticket=new, stranger=not known and not new, reason=reason)


def _note(scope: Scope, row: ReceivedMail, mail: IncomingMail, ticket: Ticket, colleague: tuple[UUID, str]) -> Added:
    """An internal note: the mail's From is all that says who wrote it. They are told, as they may have meant the
    customer."""
    message = _message(scope, row, mail, ticket, sender_of(scope, mail), kind=NOTE, body=mail.reply_text or mail.text)
    message.author_id, message.author_name, message.state_reason = *colleague, _BY_MAIL
    _keep(scope, row, mail, ticket, message, whole=mail.unreadable)
    conversation.remember_words(ticket, message.body)
    publish(scope, TicketNoted("ticket", ticket.id, message_id=message.id))
    if not any(_is_requester(ticket, one) for one in (*mail.to, *mail.cc)):
        notify(
            scope,
            [colleague[0]],
            kind="ticket.noted_by_mail",
            subject=f"Your mail is an internal note of #{ticket.number}",
            body=f"{_STAYS}\n\n{beginning(message.body)}",
            link=link_to(message),
            key=f"noted-by-mail:{message.id}",
        )
    return Added(ticket.id, message.id, reason=_BY_MAIL)


def _message(
    scope: Scope,
    row: ReceivedMail,
    mail: IncomingMail,
    ticket: Ticket,
    author: MailAddress | None,
    *,
    kind: str,
    body: str,
) -> TicketMessage:
    message = TicketMessage(
        tenant_id=scope.tenant_id,
        id=new_id(),
        ticket_id=ticket.id,
        kind=kind,
        author_name=_name(author) or (author.address if author else ""),
        author_email=author.address if author else None,
        body=body,
        body_html=mail.html,
        quoted_text=_quoted(mail),
        channel="email",
        recipients={"to": _named(mail), "cc": _copies(scope, mail, ticket)},
        state=RECEIVED,
        message_id=_free_id(scope, row, mail),
        in_reply_to=mail.in_reply_to,
        automatic=mail.automatic is not None,
        created_at=scope.now,
        updated_at=scope.now,
        version=1,
    )
    db.session.add(message)
    db.session.flush()
    return message


def _keep(
    scope: Scope, row: ReceivedMail, mail: IncomingMail, ticket: Ticket, message: TicketMessage, *, whole: bool
) -> None:
    keep_files(scope, ticket, message, _files_of(row, mail, whole=whole))


def _files_of(row: ReceivedMail, mail: IncomingMail, *, whole: bool) -> tuple[NewFile, ...]:
    """The attachments; of a mail that could not be read, the mail."""
    if not whole:
        return tuple(
            NewFile(one.name, one.content, one.declared_type, one.content_id, one.inline) for one in mail.attachments
        )
    if row.raw_key is None:
        return ()
    with files().open(row.raw_key) as file:
        return (NewFile("mail.eml", file.read(), "message/rfc822"),)


def _requester(scope: Scope, mail: IncomingMail) -> tuple[MailAddress | None, str]:
    """Who the ticket is for, and the name of the colleague who forwarded it, if one did."""
    sender = sender_of(scope, mail)
    if mail.forwarded_from is None or mail.from_ is None:
        return sender, ""
    colleague = received.find_colleague(scope, mail.from_.address)
    return (mail.forwarded_from, colleague[1]) if colleague else (sender, "")


def _is_requester(ticket: Ticket, sender: MailAddress | None) -> bool:
    """Colleagues ask for help as well; one who was only copied is no customer for it."""
    return sender is not None and sender.address.lower() == (ticket.requester_email or "").lower()


def _has_part(scope: Scope, ticket: Ticket, mail: IncomingMail) -> bool:
    """Whether From or Reply-To is the requester, or was written to or heard from in this ticket."""
    named = {one.address.lower() for one in (*mail.reply_to, *((mail.from_,) if mail.from_ else ()))}
    return bool(named & parties(scope, ticket))


def parties(scope: Scope, ticket: Ticket) -> frozenset[str]:
    """Everybody on the customer's side of a ticket, by address; strangers and what they named are not among them."""
    thread = received.list_thread(scope, ticket.id, 200)
    strange = received.list_strangers(scope, [one.id for one in thread])
    known = {(ticket.requester_email or "").lower()}
    for message in thread:
        if message.id not in strange:
            known |= {address.lower() for address in outgoing.cc_of(message)}
            known |= {message.author_email.lower()} if message.kind != "reply" and message.author_email else set()
    return frozenset(known - {""})


def _named(mail: IncomingMail) -> list[str]:
    return [one.address for one in mail.to][:PARTICIPANTS_MAX]


def _copies(scope: Scope, mail: IncomingMail, ticket: Ticket, author: MailAddress | None = None) -> list[str]:
    """Who else the mail names: they get copies of what is answered. So does its author, if not the requester."""
    own = {*mailboxes.list_own_addresses(scope), (ticket.requester_email or "").lower()}
    writers = (*mail.reply_to, *((mail.from_,) if mail.from_ else ()))
    own |= {one.address.lower() for one in writers if author is None or one.address != author.address}
    named = [one.address for one in (*mail.to, *mail.cc) if not _is_reply_address(scope, one.address)]
    return participants([*([author.address] if author else []), *named], own)


def _is_reply_address(scope: Scope, address: str) -> bool:
    return ticket_of(known_secrets(), scope.tenant_id, address) is not None


def _free_id(scope: Scope, row: ReceivedMail, mail: IncomingMail) -> str:
    """The Message-ID, or one of our making if a message has it: two mails that say different things are two."""
    return mail.message_id if received.find_message(scope, mail.message_id) is None else f"<{row.id}@again.invalid>"


def _quoted(mail: IncomingMail) -> str | None:
    """What the message leaves out of the mail: the text as it came, where something was left out."""
    return mail.text if mail.reply_text and mail.text and mail.reply_text != mail.text else None


def _name(of: MailAddress | None) -> str | None:
    return (of.name[:_NAME_MAX] if of else "") or None
