"""Fetching a mailbox: a lease, the poll itself, and what came of it, each in its own transaction.

An exception to "the action flushes, never commits": each mail is committed before the server is told that we have it,
and no transaction is open while we wait for the server.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from app.core import clock, queue
from app.core import db as database
from app.core.errors import NotFound
from app.core.scope import Scope
from app.core.secrets import CannotOpen
from app.extensions import db
from app.gateways import web
from app.gateways.mail.incoming import imap
from app.gateways.mail.incoming.imap import Account, Fetched, State
from app.notifications.actions import notify
from app.tickets.actions.storing_mail import store_mail
from app.tickets.models.mail import IMAP, PASSWORD, Mailbox
from app.tickets.queries import mailboxes
from app.tickets.rules.mail_in import TELL_AFTER, poll_after

log = logging.getLogger(__name__)
PORTS = (993, 143)
SECONDS = 100.0
LEASE = timedelta(seconds=SECONDS + 50)
_CHECK_SECONDS = 15.0
_CANNOT_OPEN = "The stored password cannot be opened any more. Enter it again."


def ring(tenant_id: UUID, mailbox_id: UUID) -> None:
    """Fetching waits for other people's servers: beside imports, where it holds up nobody's clicks."""
    queue.enqueue_once("jobs.mailboxes.poll", queue="imports", tenant_id=tenant_id, mailbox_id=mailbox_id)


@dataclass(frozen=True, slots=True)
class _Visit:
    mailbox_id: UUID
    leased_until: datetime
    place: tuple[str, str, str]
    account: Account
    state: State


def poll_mailbox(scope: Scope, mailbox_id: UUID) -> str | None:
    """Fetches what is new; the sentence of what went wrong, empty if nothing did, None if it was not due.

    Commits after each step.
    """
    visit = _lease(replace(scope, now=clock.now()), mailbox_id)
    database.commit()
    if visit is None:
        return None
    state = imap.poll(
        visit.account, visit.state, partial(_keep, scope, visit.mailbox_id), connect=connect, seconds=SECONDS
    )
    # What was open is of a mail that could not be kept.
    database.rollback()
    _settle(replace(scope, now=clock.now()), visit, state)
    database.commit()
    return state.trouble


def check_connection(mailbox: Mailbox, password: str | None = None) -> str:
    """Signs in and looks for the folder, fetching nothing; a sentence about what is wrong, empty if nothing is."""
    try:
        account = account_of(mailbox, password)
    except CannotOpen:
        return _CANNOT_OPEN
    return imap.check(account, connect=connect, seconds=_CHECK_SECONDS)


def account_of(mailbox: Mailbox, password: str | None = None) -> Account:
    """How to get at its mail. Raises CannotOpen: its password was sealed by a key that is gone."""
    return Account(
        host=mailbox.host,
        port=mailbox.port,
        tls=mailbox.tls,
        user=mailbox.user_name,
        password=password if password is not None else PASSWORD.open(mailbox),
        folder=mailbox.folder or "INBOX",
        done_folder=mailbox.done_folder or None,
    )


connect = partial(web.connect, ports=PORTS)
"""People name the hosts of mailboxes: they are reached like every other address people set (claim 30)."""


def _lease(scope: Scope, mailbox_id: UUID) -> _Visit | None:
    try:
        row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
    except NotFound:
        return None
    if not row.active or row.way != IMAP or row.next_poll_at > scope.now:
        return None
    row.next_poll_at = scope.now + LEASE
    try:
        account = account_of(row)
    except CannotOpen:
        _failed(scope, row, _CANNOT_OPEN)
        return None
    state = State(row.uidvalidity, row.last_uid, tuple(row.waiting))
    return _Visit(row.id, row.next_poll_at, _place(row), account, state)


def _place(row: Mailbox) -> tuple[str, str, str]:
    """Where its mail is numbered."""
    return row.host, row.user_name, row.folder


def _keep(scope: Scope, mailbox_id: UUID, mail: Fetched) -> bool:
    """One mail, committed; then the server may be told."""
    try:
        at = replace(scope, now=clock.now())
        raw = mail.raw if mail.raw is not None else mail.head
        whole = mail.raw is not None
        store_mail(at, mailbox_id, io.BytesIO(raw), way=IMAP, key=mail.key, size=mail.size, whole=whole,
                   received_at=_sane(mail.received, at.now))  # fmt: skip
        database.commit()
    except Exception as error:
        log.warning("mail_not_kept", extra={"mailbox_id": str(mailbox_id), "error": type(error).__name__})
        database.rollback()
        raise
    return True


def _sane(received: datetime | None, now: datetime) -> datetime | None:
    """When the server got it, unless it says the future or long ago (a mailbox that was moved)."""
    if received is None:
        return None
    at = received if received.tzinfo else received.astimezone()
    return at if now - timedelta(days=7) < at <= now else None


def _settle(scope: Scope, visit: _Visit, state: State) -> None:
    try:
        row = mailboxes.get_mailbox(scope, visit.mailbox_id, lock=True)
    except NotFound:
        return
    row.last_polled_at = scope.now
    if _place(row) != visit.place:
        # Somebody set it up anew meanwhile: these are numbers of another folder's mail.
        return
    row.uidvalidity, row.last_uid, row.waiting = state.uidvalidity, state.last_uid, list(state.waiting)
    if state.trouble and not state.through:
        _failed(scope, row, state.trouble)
        return
    row.failures = 0
    if row.next_poll_at == visit.leased_until:
        # Else somebody has asked for another poll meanwhile.
        row.next_poll_at = scope.now if state.more else scope.now + poll_after(0)
    if state.trouble:
        _troubled(scope, row, state.trouble, f"Not all is well with the mail of {row.name}")
        return
    row.last_error, row.failing_since, row.told_at = "", None, None
    db.session.flush()


def _failed(scope: Scope, row: Mailbox, trouble: str) -> None:
    """Less and less often."""
    row.failures += 1
    row.next_poll_at = scope.now + poll_after(row.failures)
    log.warning("mailbox_failed", extra={"mailbox_id": str(row.id), "failures": row.failures})
    _troubled(scope, row, trouble, f"No mail has come from {row.name} for an hour")


def _troubled(scope: Scope, row: Mailbox, trouble: str, title: str) -> None:
    """Says so at the mailbox; whoever can do something about it is told once it has been so for an hour."""
    row.last_error = trouble
    row.failing_since = row.failing_since or scope.now
    if row.told_at is None and scope.now - row.failing_since >= TELL_AFTER:
        row.told_at = scope.now
        notify(
            scope,
            mailboxes.list_desk_managers(scope),
            kind="mailbox.failing",
            subject=title,
            body=f"{trouble}\n\nIt is tried again and again; nothing is lost at the mail server.",
            link=("mailboxes.edit", {"mailbox_id": row.id}),
            key=f"mailbox-failing:{row.id}:{row.failing_since.isoformat()}",
        )
    db.session.flush()
