"""What leaves by mail: an agent's reply in the customer's thread, and the confirmation that a mail became a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.core.errors import Invalid
from app.core.links import absolute_url
from app.core.markdown import render_markdown
from app.core.scope import Scope
from app.extensions import db
from app.gateways.files import sent_links
from app.gateways.mail import Enclosure, Letterhead, Recipient, send_mail
from app.gateways.mail.composing import recipient
from app.gateways.mail.composing import sender as our_sender
from app.gateways.mail.incoming import threading
from app.tickets.actions.bounces import say_failed
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.models.mail import Mailbox
from app.tickets.models.messages import FAILED, QUEUED, REPLY
from app.tickets.queries import get_desk_settings, mailboxes, received
from app.tickets.queries.outgoing import REPLY_KEY, list_files_of
from app.tickets.rules.mail_in import participants
from app.tickets.rules.quoting import intro_of, quoted_lines

ENCLOSED_MAX = 10 * 1024 * 1024
"""Bytes of files that go along; what is beyond is a link, as mail servers refuse large mails."""
ONCE = timedelta(hours=1)
_NO_ADDRESS = "The requester has no e-mail address: write one into the ticket, then send the reply again."
_NOT_ONE = "“{address}” is no address mail can be sent to: correct it in the ticket, then send the reply again."


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that is answered, as mail programs show it below."""

    intro: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """A file that is fetched by a link, as it is too large to go along."""

    name: str
    url: str


def send_reply(scope: Scope, message: TicketMessage) -> None:
    """Hands a reply to the outbox, to the requester and those who get copies; once for each version of the message.

    Its state becomes `queued`, then `sent` or `failed` by what the mail server says. A requester without an address,
    or with one that is none (imports bring such), is told of at the reply, and its author.
    """
    ticket = db.session.get_one(Ticket, (scope.tenant_id, message.ticket_id))
    to = _addresses(message, "to") or [ticket.requester_email or ""]
    if not _is_address(to[0]):
        say_failed(scope, message, FAILED, _NOT_ONE.format(address=to[0]) if to[0] else _NO_ADDRESS)
        return
    mailbox = received.find_mailbox_of(scope, ticket.id) or mailboxes.find_default_mailbox(scope)
    thread = [one for one in received.list_thread(scope, ticket.id) if one.id != message.id]
    message.message_id = message.message_id or f"<{message.id}@{our_sender().domain}>"
    enclosed, linked = _files(scope, ticket, list_files_of(scope, message.id))
    answered = _answered(scope, thread)
    head = _head(scope, mailbox, ticket, message, answered, thread, enclosed)
    send_mail(
        scope,
        to=Recipient(ticket.requester_name or "" if to[0] == ticket.requester_email else "", to[0]),
        template="tickets/reply",
        context={
            "subject": reply_subject(ticket.subject),
            "number": ticket.number,
            "body": message.body.strip(),
            "html": render_markdown(message.body),
            "links": linked,
            "signature": _signature(scope, mailbox, message),
            "quoted": _quoted(scope, answered),
        },
        key=f"{REPLY_KEY}{message.id}.{message.version}",
        head=head,
    )
    message.in_reply_to = head.in_reply_to or None
    message.state, message.state_reason = QUEUED, None
    db.session.flush()


def acknowledge(scope: Scope, ticket: Ticket, mailbox: Mailbox | None, message: TicketMessage) -> bool:
    """Tells the requester their ticket's number, once an hour at most; whether it was done.

    Whoever calls has seen that a person wrote; what leaves is marked as sent by a program, so no program answers it.
    """
    address = ticket.requester_email
    if not address or not get_desk_settings(scope).acknowledge or received.is_acknowledged(scope, address, ONCE):
        return False
    head = Letterhead(
        sender=_sender(scope, mailbox),
        reply_to=_reply_to(scope, mailbox, ticket),
        in_reply_to=message.message_id or "",
        automatic="auto-replied",
    )
    send_mail(
        scope,
        to=Recipient(ticket.requester_name or "", address),
        template="tickets/received",
        context={
            "subject": ticket.subject,
            "number": ticket.number,
            "name": ticket.requester_name or "",
            "signature": _name(scope, mailbox),
        },
        key=f"{received.RECEIPT}{ticket.id}",
        head=head,
    )
    return True


def _is_address(written: str) -> bool:
    try:
        recipient(written)
    except Invalid:
        return False
    return True


def reply_subject(subject: str) -> str:
    """ "Re: " once, however often it stood there before."""
    return subject if subject[:3].lower() == "re:" else f"Re: {subject}"


def _head(
    scope: Scope,
    mailbox: Mailbox | None,
    ticket: Ticket,
    message: TicketMessage,
    answered: TicketMessage | None,
    thread: Sequence[TicketMessage],
    enclosed: Sequence[Enclosure],
) -> Letterhead:
    own = (*mailboxes.list_own_addresses(scope), ticket.requester_email or "")
    copies = participants([*_addresses(message, "to")[1:], *cc_of(message)], own)
    reply_to = _reply_to(scope, mailbox, ticket)
    sender = _sender(scope, mailbox)
    return Letterhead(
        sender=sender,
        reply_to=reply_to,
        # Reports come to where answers come, if that is an address of ours: so they are told by ticket.
        bounces_to=reply_to if sender is not None else "",
        copies=tuple(Recipient("", address) for address in copies),
        message_id=message.message_id or "",
        in_reply_to=(answered.message_id if answered else None) or "",
        references=tuple(one.message_id for one in thread if one.message_id and _is_mail(one)),
        automatic="",
        enclosures=tuple(enclosed),
    )


def cc_of(message: TicketMessage) -> list[str]:
    """The addresses a message goes or went to besides, as its row keeps them."""
    return _addresses(message, "cc")


def _addresses(message: TicketMessage, field: str) -> list[str]:
    return [str(one) for one in (message.recipients or {}).get(field, ()) if one]


def _is_mail(message: TicketMessage) -> bool:
    return message.kind == REPLY or message.channel == "email"


def _sender(scope: Scope, mailbox: Mailbox | None) -> Recipient | None:
    """The mailbox's address once it is proved to be the tenant's; before, the installation's in its name."""
    name = _name(scope, mailbox)
    if mailbox is not None and mailbox.proved_at is not None:
        return Recipient(name, mailbox.address)
    return Recipient(name, our_sender().addr_spec)


def _name(scope: Scope, mailbox: Mailbox | None) -> str:
    return (mailbox.from_name if mailbox else "") or scope.tenant_name


def _reply_to(scope: Scope, mailbox: Mailbox | None, ticket: Ticket) -> str:
    """The ticket's own address, if the mailbox can have such; empty where there is no mailbox."""
    if mailbox is None:
        return ""
    if not mailbox.replies_to:
        return mailbox.address
    return threading.reply_address(threading.current_secret(), scope.tenant_id, ticket.number, mailbox.replies_to)


def _answered(scope: Scope, thread: Sequence[TicketMessage]) -> TicketMessage | None:
    """The newest message of the requester's side. What a stranger wrote is never quoted to the requester."""
    theirs = [one for one in thread if one.kind != REPLY]
    strange = received.list_strangers(scope, [one.id for one in theirs])
    return next((one for one in reversed(theirs) if one.id not in strange), None)


def _quoted(scope: Scope, answered: TicketMessage | None) -> Quoted | None:
    if answered is None or not answered.body.strip():
        return None
    who = answered.author_name or answered.author_email or ""
    return Quoted(intro_of(who, answered.created_at.astimezone(scope.zone_info)), quoted_lines(answered.body))


def _signature(scope: Scope, mailbox: Mailbox | None, message: TicketMessage) -> str:
    """Who wrote, and for whom."""
    name = _name(scope, mailbox)
    return f"{message.author_name}, {name}" if message.author_name and message.author_id else name


def _files(scope: Scope, ticket: Ticket, rows: Sequence[TicketFile]) -> tuple[list[Enclosure], list[Linked]]:
    """What goes along, and what is linked: the first that fit into the limit together go along."""
    enclosed: list[Enclosure] = []
    linked: list[Linked] = []
    room = ENCLOSED_MAX
    for row in rows:
        if row.size <= room:
            room -= row.size
            enclosed.append(Enclosure(row.key, row.name, row.type))
        else:
            linked.append(
                Linked(row.name, absolute_url(scope, "mail_in.download_sent", link=sent_links.sign(scope, row.id)))
            )
    return enclosed, linked
