"""Making something of mail that came in: a ticket, a message of one, or a line of the log that says why not.

An exception to "the action flushes, never commits": that a mail is being looked at is committed before it is looked
at, so that one which kills its worker is counted, and in the end not read but attached to a ticket as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core import clock
from app.core import db as database
from app.core.events import publish
from app.core.scope import Scope
from app.core.storage import FileGone, FilesAway, files
from app.extensions import db
from app.gateways.mail.incoming import IncomingMail, automatic, read_message, refuse
from app.gateways.mail.incoming.threading import ByAddress, evidence, known_secrets
from app.notifications.actions import notify
from app.tickets.actions import bounces, conversing_by_mail, storing_mail
from app.tickets.actions.proving import is_proof
from app.tickets.events import MailTaken
from app.tickets.models import Ticket
from app.tickets.models.mail import (
    FAILED,
    HELD,
    IGNORED,
    RECEIVED,
    THREADED,
    TICKETED,
    Mailbox,
    ReceivedMail,
)
from app.tickets.queries import get_desk_settings, mailboxes, received
from app.tickets.rules.mail_in import AS_IT_IS, GIVE_UP, HOUR, LEASE, is_flood, wait_after

log = logging.getLogger(__name__)
SLICE_SECONDS = 60.0
OURS = "It is a mail of ours that came back."
PROOF = "It is our own test: mail to this address arrives here."
GONE = "Its bytes are gone from the store of files."
_LISTS = (automatic.LIST, automatic.NEWSLETTER)
_SUBJECT_MAX, _NAME_MAX = 300, 120


def take_due(scope: Scope, *, at: Callable[[], datetime] = clock.now) -> int:
    """Looks at what waits in the tenant, in the order it came; returns how many. Commits after each step."""
    done, until = 0, time.monotonic() + SLICE_SECONDS
    while (mail_id := _lease(replace(scope, now=at()))) is not None:
        database.commit()
        _work(replace(scope, now=at()), mail_id)
        done += 1
        if time.monotonic() > until:
            storing_mail.ring(scope.tenant_id)
            break
    database.commit()
    return done


def take_in(scope: Scope, mail_id: UUID, *, whatever: bool = False) -> ReceivedMail:
    """Makes something of one mail, once. `whatever`: a ticket or message even of what would be ignored or held.

    Raises:
        NotFound: there is no such mail.
    """
    row = received.get_received(scope, mail_id, lock=True)
    if row.state != RECEIVED:
        return row
    if row.attempts > GIVE_UP:
        return _ended(scope, row, FAILED, "It could not be taken in, however often it was tried.")
    try:
        mail = _read(row)
    except FileGone:
        return _ended(scope, row, FAILED, GONE)
    _note(scope, row, mail)
    mailbox = mailboxes.find_mailbox(scope, row.mailbox_id)
    if row.attempts > AS_IT_IS:
        return _open(scope, row, mailbox, mail, known=None)
    return _decide(scope, row, mailbox, mail, whatever)


def make_ticket(scope: Scope, mail_id: UUID) -> ReceivedMail:
    """What was ignored, held or failed becomes a ticket after all (or goes to the one it answers).

    Raises:
        NotFound: there is no such mail, or its bytes are gone.
    """
    row = received.get_received(scope, mail_id, lock=True)
    if row.state in (TICKETED, THREADED) or row.raw_key is None:
        return row
    row.state, row.reason, row.attempts, row.next_attempt_at = RECEIVED, "", 0, scope.now
    db.session.flush()
    publish(scope, MailTaken("received_mail", row.id))
    return take_in(scope, mail_id, whatever=True)


def _lease(scope: Scope) -> UUID | None:
    """The next mail; None if there is none, or another worker is at it: one after the other, as they came."""
    mine = db.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK, func.hashtext(str(scope.tenant_id)))))
    if not mine or received.is_somebody_at_it(scope):
        return None
    row = received.find_due(scope)
    if row is None:
        return None
    row.attempts += 1
    row.reason = ""
    row.next_attempt_at = scope.now + LEASE
    db.session.flush()
    return row.id


_LOCK = 4153


def _work(scope: Scope, mail_id: UUID) -> None:
    try:
        take_in(scope, mail_id)
        database.commit()
    except FilesAway:
        # No fault of the mail's, so no attempt: nothing was read.
        database.rollback()
        log.warning("mail_waits_for_files", extra={"mail_id": str(mail_id)})
        row = received.get_received(scope, mail_id, lock=True)
        row.attempts -= 1
        row.reason = "The store of files is not answering; it is tried again."
        row.next_attempt_at = scope.now + wait_after(1)
        database.commit()
    except Exception as error:
        database.rollback()
        log.exception("mail_not_taken_in", extra={"mail_id": str(mail_id), "error": type(error).__name__})
        row = received.get_received(scope, mail_id, lock=True)
        row.reason = f"It could not be taken in ({type(error).__name__}); it is tried again."
        row.next_attempt_at = scope.now + wait_after(row.attempts)
        database.commit()


def _decide(
    scope: Scope, row: ReceivedMail, mailbox: Mailbox | None, mail: IncomingMail, whatever: bool
) -> ReceivedMail:
    if is_proof(mailbox, mail):
        assert mailbox is not None
        mailbox.proved_at = mailbox.proved_at or scope.now
        return _ended(scope, row, IGNORED, PROOF)
    if _is_ours(scope, mail):
        return _ended(scope, row, IGNORED, OURS)
    if mail.bounce is not None and not whatever:
        return bounces.note_bounce(scope, row, mail)
    ticket, by_address = _place(scope, mail)
    if not whatever and (why := _why_not(scope, row, mail, ticket)):
        row.ticket_id = ticket.id if ticket else None
        return _ended(scope, row, *why)
    if ticket is None:
        return _open(scope, row, mailbox, mail, known=mail)
    return _thread(scope, row, ticket, mail, by_address)


def _why_not(scope: Scope, row: ReceivedMail, mail: IncomingMail, ticket: Ticket | None) -> tuple[str, str] | None:
    """The state and sentence of a mail that is not taken; None for one that is.

    What comes over a list is: many desks have an address that is a group. A newsletter is only if it answers a mail
    of ours, and then no newsletter.
    """
    if mail.automatic is not None and (
        mail.automatic not in _LISTS or (mail.automatic != automatic.LIST and not ticket)
    ):
        return IGNORED, mail.automatic
    since = scope.now - HOUR
    tickets = received.count_from(scope, row.from_address, TICKETED, since)
    messages = received.count_from(scope, row.from_address, THREADED, since)
    settings = get_desk_settings(scope)
    if not is_flood(settings, tickets if ticket is None else 0, messages):
        return None
    _tell_of_flood(scope, row)
    return HELD, f"More than {settings.mail_per_hour} mails an hour came from this address. Look at it, then let it in."


def _place(scope: Scope, mail: IncomingMail) -> tuple[Ticket | None, bool]:
    """The ticket a mail belongs to, and whether its reply address says so."""
    for found in evidence(mail, known_secrets(), scope.tenant_id):
        if isinstance(found, ByAddress):
            ticket = received.find_ticket_by_number(scope, found.ticket)
        else:
            ticket = received.find_ticket_named(scope, found.message_id)
            ticket = ticket or received.find_acknowledged(scope, found.message_id)
        if ticket is not None:
            return ticket, isinstance(found, ByAddress)
    return None, False


def _is_ours(scope: Scope, mail: IncomingMail) -> bool:
    """A mail of ours that came back: by its Message-ID, or from an address of ours that nobody else may be behind.

    Forms of web sites write from the desk's own address and name the customer in Reply-To.
    """
    message = received.find_message(scope, mail.message_id)
    if (message is not None and message.kind == "reply") or received.find_own_mail(scope, mail.message_id):
        return True
    sender = mail.from_.address.lower() if mail.from_ else ""
    own = mailboxes.list_own_addresses(scope)
    return sender in own and all(one.address.lower() in own for one in mail.reply_to)


def _open(
    scope: Scope, row: ReceivedMail, mailbox: Mailbox | None, mail: IncomingMail, known: IncomingMail | None
) -> ReceivedMail:
    """A new ticket. Of a mail that could not be read (`known` is None) it has the bytes."""
    readable = known is not None and not mail.unreadable
    ticket, message = conversing_by_mail.open_ticket(scope, row, mailbox, mail, readable=readable)
    row.ticket_id, row.message_row_id = ticket.id, message.id
    reason = "" if readable else "It could not be read; the whole mail is attached to the ticket."
    return _ended(scope, row, TICKETED, reason)


def _thread(scope: Scope, row: ReceivedMail, ticket: Ticket, mail: IncomingMail, by_address: bool) -> ReceivedMail:
    added = conversing_by_mail.add_to_ticket(scope, row, ticket, mail)
    row.ticket_id, row.message_row_id, row.stranger = added.ticket_id, added.message_id, added.stranger
    return _ended(scope, row, TICKETED if added.new_ticket else THREADED, added.reason)


def _read(row: ReceivedMail) -> IncomingMail:
    """Raises FileGone."""
    if row.raw_key is None:
        raise FileGone
    with files().open(row.raw_key) as file:
        raw = file.read()
    if row.attempts > AS_IT_IS:
        # Whatever it is that ends our workers, it stands in what is not read here.
        return refuse(raw[:_HEAD], row.size, now=row.received_at)
    return read_message(raw, now=row.received_at) if row.whole else refuse(raw, row.size, now=row.received_at)


_HEAD = 64 * 1024


def _note(scope: Scope, row: ReceivedMail, mail: IncomingMail) -> None:
    """What the log shows."""
    sender = conversing_by_mail.sender_of(scope, mail)
    row.from_address = sender.address.lower() if sender else ""
    row.from_name = (sender.name if sender else "")[:_NAME_MAX]
    row.subject = mail.subject[:_SUBJECT_MAX]
    row.message_id = mail.message_id
    row.problems = list(mail.problems)[:20]
    row.blocked_images = mail.blocked_images


def _ended(scope: Scope, row: ReceivedMail, state: str, reason: str = "") -> ReceivedMail:
    row.state, row.reason, row.done_at = state, reason, scope.now
    db.session.flush()
    if state == FAILED:
        notify(
            scope,
            mailboxes.list_desk_managers(scope),
            kind="mail.failed",
            subject="A mail could not be taken in",
            body=f"{reason}\n\nIt is kept and stands in the log of incoming mail.",
            link=("mailboxes.list_log", {"state": FAILED}),
            key=f"mail-failed:{row.id}",
        )
    return row


def _tell_of_flood(scope: Scope, row: ReceivedMail) -> None:
    """Once an hour for each sender."""
    notify(
        scope,
        mailboxes.list_desk_managers(scope),
        kind="mail.held",
        subject=f"Much mail from {row.from_address or 'an unknown sender'} is held",
        body="It is kept and makes no tickets until somebody lets it in.",
        link=("mailboxes.list_log", {"state": HELD}),
        key=f"mail-held:{row.from_address}:{scope.now:%Y%m%d%H}",
        mail=False,
    )
