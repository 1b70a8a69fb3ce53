"""Handing mail over, and what is written down while it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app.core import queue
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.events import publish
from app.core.logs import mask
from app.core.scope import Scope
from app.core.secrets import CannotOpen
from app.extensions import db
from app.gateways.mail import composing, outcomes, queries
from app.gateways.mail.composing import Enclosure, Letterhead, Recipient
from app.gateways.mail.events import MailFailed, MailGivenUp
from app.gateways.mail.models import BODY, FAILED, GIVEN_UP, QUEUED, SENT, OutgoingMail

# Longer than one message may take (transports.DEADLINE): nobody else takes it meanwhile. A mail whose worker
# was killed goes out when this and the sweep's quarter of a minute have passed.
LEASE = timedelta(seconds=30)
PATIENCE = timedelta(hours=24)
KEPT_BODY = timedelta(days=1)
KEPT_ROW = timedelta(days=90)
_LONGEST_WAIT = timedelta(hours=4)
_REASON_MAX = 300
_silent: ContextVar[bool] = ContextVar("silent", default=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail somebody is about to send, with its lease."""

    id: UUID
    to_address: str
    raw: bytes
    attempt: int
    sender: str | None = None
    enclosures: tuple[Enclosure, ...] = ()


def send_mail(
    scope: Scope,
    *,
    to: Recipient | str,
    template: str,
    context: Mapping[str, Any],
    key: str | None = None,
    head: Letterhead | None = None,
) -> UUID:
    """Stores a mail, which leaves once this transaction is committed; returns its id.

    It is rendered now, in the scope's language and zone. A second call with the same `key` in this tenant sends
    nothing and returns the first mail's id. Subjects are kept in the clear: put no secret into one. Whoever gets a
    copy (`Letterhead.copies`) gets a mail of their own with the same Message-ID, so that what one server refuses
    keeps nobody else waiting; its key ends in ``:1``, ``:2`` ….

    Raises:
        Invalid: `to` or a copy is no e-mail address.
        ValueError: the template is missing or malformed, or the mail is larger than a megabyte.
    """
    if _silent.get():
        return new_id()
    if key is not None and (found := queries.find_by_key(scope, key)) is not None:
        return found
    given, first = head or Letterhead(), composing.recipient(to)
    others = {one.address: one for one in map(composing.recipient, given.copies)}
    others.pop(first.address, None)
    given = replace(given, copies=tuple(others.values()))
    mail_id = new_id()
    message_id = given.message_id or f"<{mail_id}@{composing.sender().domain}>"
    rendered = composing.render(scope, template, context)
    letter = composing.write(first, rendered, message_id=message_id, at=scope.now, head=given)
    stored = _store(scope, mail_id, first, letter.raw, rendered.subject, message_id, template, key, given)
    for number, copy in enumerate(given.copies, 1):
        other = f"{key}:{number}" if key else None
        _store(scope, new_id(), copy, letter.raw, rendered.subject, message_id, template, other, given)
    ring(scope.tenant_id)
    return stored


def _store(
    scope: Scope,
    mail_id: UUID,
    to: Recipient,
    raw: bytes,
    subject: str,
    message_id: str,
    template: str,
    key: str | None,
    head: Letterhead,
) -> UUID:
    """The row of one recipient; the id of the one that is there if another transaction with this key was faster."""
    stored = db.session.execute(
        insert(OutgoingMail)
        .values(
            tenant_id=scope.tenant_id,
            id=mail_id,
            to_name=to.name,
            to_address=to.address,
            sender=head.bounces_to or None,
            subject=subject,
            template=template,
            body_sealed=BODY.seal(raw, tenant_id=scope.tenant_id, row_id=mail_id),
            enclosures=[asdict(one) for one in head.enclosures],
            message_id=message_id,
            status=QUEUED,
            attempts=0,
            next_attempt_at=scope.now,
            key=key,
            created_at=scope.now,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
        .returning(OutgoingMail.id)
    ).scalar_one_or_none()
    if stored is None:
        # Another transaction with the same key was faster; ours waited for its commit.
        assert key is not None
        return queries.find_by_key(scope, key) or mail_id
    return mail_id


@contextmanager
def no_mail() -> Iterator[None]:
    """In this block `send_mail` does nothing: of sample data, which writes to addresses that are nobody's."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def hold_back(scope: Scope, mail_id: UUID, until: datetime) -> None:
    """Keeps a mail that was stored in this transaction until then; the sweep sends it, within a quarter of a minute."""
    mine = (OutgoingMail.tenant_id == scope.tenant_id, OutgoingMail.id == mail_id)
    db.session.execute(update(OutgoingMail).where(*mine).values(next_attempt_at=until))


def withdraw(scope: Scope, mail_id: UUID) -> bool:
    """Takes back a mail that is held back; False if it has left, or somebody is just sending it."""
    mine = (OutgoingMail.tenant_id == scope.tenant_id, OutgoingMail.id == mail_id)
    waits = (OutgoingMail.status == QUEUED, OutgoingMail.attempts == 0)
    gone: Any = db.session.execute(
        delete(OutgoingMail).where(*mine, *waits).execution_options(synchronize_session=False)
    )
    return bool(gone.rowcount)


def ring(tenant_id: UUID) -> None:
    """After the commit, once for however many mails."""
    after_commit(lambda: queue.enqueue_once("jobs.mail.send", tenant_id=tenant_id), key="send_mail")


def take(scope: Scope, only: str = "") -> Taken | None:
    """Leases the mail that has waited longest; None if there is none to send.

    One that cannot be opened has failed, and the next is taken. `only` is what the template begins with.
    """
    while (row := queries.find_due(scope.now, only)) is not None:
        row.attempts += 1
        row.next_attempt_at = scope.now + LEASE
        db.session.flush()
        try:
            enclosures = tuple(Enclosure(**one) for one in row.enclosures)
            return Taken(row.id, row.to_address, BODY.open_bytes(row), row.attempts, row.sender, enclosures)
        except CannotOpen as lost:
            fail(scope, row.id, str(lost))
    return None


def record_sent(scope: Scope, mail_id: UUID) -> None:
    """The mail server has taken it."""
    row = db.session.get_one(OutgoingMail, (scope.tenant_id, mail_id))
    row.status, row.sent_at, row.last_error = SENT, scope.now, None
    row.erase_at = scope.now + KEPT_BODY
    db.session.flush()
    outcomes.tell(scope, row)


def postpone(scope: Scope, mail_id: UUID, reason: str) -> bool:
    """It could not be handed over now: again after a growing wait; given up after a day (False)."""
    row = db.session.get_one(OutgoingMail, (scope.tenant_id, mail_id))
    row.last_error = _reason(reason)
    if scope.now - row.created_at >= PATIENCE:
        row.status, row.erase_at = GIVEN_UP, scope.now + KEPT_BODY
        publish(scope, MailGivenUp("mail", row.id, row.template, row.last_error))
        outcomes.tell(scope, row)
        return False
    row.next_attempt_at = scope.now + wait_after(row.attempts)
    db.session.flush()
    return True


def fail(scope: Scope, mail_id: UUID, reason: str) -> None:
    """It can never be delivered."""
    row = db.session.get_one(OutgoingMail, (scope.tenant_id, mail_id))
    row.status, row.erase_at, row.last_error = FAILED, scope.now + KEPT_BODY, _reason(reason)
    publish(scope, MailFailed("mail", row.id, row.template, row.last_error))
    outcomes.tell(scope, row)


def wait_after(attempts: int) -> timedelta:
    """One minute after the first attempt, doubling up to four hours."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 10)), _LONGEST_WAIT)


def erase_bodies(scope: Scope) -> int:
    """Erases what finished mails said; returns how many."""
    erased: Any = db.session.execute(
        update(OutgoingMail)
        .where(OutgoingMail.tenant_id == scope.tenant_id, OutgoingMail.erase_at <= scope.now)
        .values(body_sealed=None, erase_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(erased.rowcount)


def forget_old(scope: Scope) -> int:
    """Deletes mails that were finished with three months ago, keys included; returns how many."""
    deleted: Any = db.session.execute(
        delete(OutgoingMail)
        .where(
            OutgoingMail.tenant_id == scope.tenant_id,
            OutgoingMail.status != QUEUED,
            OutgoingMail.created_at < scope.now - KEPT_ROW,
        )
        .execution_options(synchronize_session=False)
    )
    return int(deleted.rowcount)


def _reason(text: str) -> str:
    """What a server says often repeats the address."""
    return composing.one_line(mask(text), _REASON_MAX)
