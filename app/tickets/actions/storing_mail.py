"""Keeping a mail that came in, before anything is made of it: once this is committed it cannot be lost."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.core import queue
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.errors import Invalid
from app.core.scope import Scope
from app.core.storage import StoredFile, files
from app.extensions import db
from app.gateways.mail.incoming import RAW_MAX, headers, parts
from app.tickets.models.mail import DUPLICATE, IMAP, RECEIVED, ReceivedMail
from app.tickets.queries import received
from app.tickets.rules.mail_in import Fingerprint


@dataclass(frozen=True, slots=True)
class Stored:
    """The row of a mail; `new` if it had not come before in any way."""

    id: UUID
    new: bool


def store_mail(
    scope: Scope,
    mailbox_id: UUID,
    stream: BinaryIO,
    *,
    way: str,
    key: str | None = None,
    size: int | None = None,
    whole: bool = True,
    received_at: datetime | None = None,
) -> Stored:
    """Keeps a mail's bytes and its row; a job looks at it after the commit.

    Nothing is asked of the database before the last byte is here, so a slow sender holds no connection of ours.
    What came before under this `key`, or says the same under the same Message-ID, is not kept a second time. Another
    mail under a known `key` is another mail: numbers of a mail server begin again in another account or folder.

    Args:
        key: what names it in this mailbox; by default what it says.
        size: of the whole mail in bytes, if `stream` is only its beginning (`whole` is False then).

    Raises:
        FileTooLarge: it has more than RAW_MAX bytes; nothing is kept.
        Invalid: nothing at all was handed over.
    """
    seen = _Passing(stream)
    kept = files().save(scope.tenant_id, cast(BinaryIO, seen), RAW_MAX)
    try:
        if kept.size == 0 and way != IMAP:
            raise Invalid({"": "There is no mail in this: it is empty."})
        return _store(scope, mailbox_id, seen.mark, kept, way, key, size, whole, received_at)
    except BaseException:
        files().delete(kept.key)
        raise


def ring(tenant_id: UUID) -> None:
    """After the commit, once for however many mails."""
    after_commit(lambda: queue.enqueue_once("jobs.mailboxes.take", tenant_id=tenant_id), key="take_mail")


def _store(
    scope: Scope,
    mailbox_id: UUID,
    mark: Fingerprint,
    kept: StoredFile,
    way: str,
    key: str | None,
    size: int | None,
    whole: bool,
    received_at: datetime | None,
) -> Stored:
    message_id = _message_id(mark.head)
    fingerprint = mark.of(message_id)
    values = {
        "tenant_id": scope.tenant_id,
        "id": new_id(),
        "mailbox_id": mailbox_id,
        "way": way,
        "key": key or fingerprint,
        "digest": kept.checksum,
        "fingerprint": fingerprint,
        "message_id": message_id or "",
        "from_address": "",
        "from_name": "",
        "subject": "",
        "size": size if size is not None else kept.size,
        "raw_key": kept.key,
        "whole": whole,
        "state": RECEIVED,
        "reason": "",
        "problems": [],
        "blocked_images": 0,
        "stranger": False,
        "attempts": 0,
        "next_attempt_at": scope.now,
        "received_at": received_at or scope.now,
    }
    made = _insert(values)
    known = received.find_by_key(scope, mailbox_id, str(values["key"])) if made is None else None
    if known is not None and not _is_same(known, fingerprint, message_id):
        values["key"] = f"{values['key']}:{fingerprint}"
        made = _insert(values)
        known = received.find_by_key(scope, mailbox_id, str(values["key"])) if made is None else None
    if made is not None:
        ring(scope.tenant_id)
        return Stored(made, new=True)
    files().delete(kept.key)
    return Stored(known.id if known is not None else _again(scope, values), new=False)


def _is_same(known: ReceivedMail, fingerprint: str, message_id: str | None) -> bool:
    """Some servers put a mail together anew whenever it is fetched: then its Message-ID tells."""
    return known.fingerprint == fingerprint or (message_id is not None and known.message_id == message_id)


def _again(scope: Scope, values: dict[str, object]) -> UUID:
    """The same mail came another way: a line of the log says so, and its bytes are there already."""
    same = received.find_same(scope, str(values["fingerprint"]))
    more = {
        "state": DUPLICATE,
        "reason": "This mail came before, in another way or to another mailbox.",
        "raw_key": None,
        "done_at": scope.now,
        "ticket_id": same.ticket_id if same else None,
        "from_address": same.from_address if same else "",
        "from_name": same.from_name if same else "",
        "subject": same.subject if same else "",
    }
    made = _insert(values | more)
    return made or cast(UUID, same.id if same else values["id"])


def _insert(values: dict[str, object]) -> UUID | None:
    """None if there is one already, also if another transaction is about to commit it: this waits for that."""
    statement = insert(ReceivedMail).values(values).on_conflict_do_nothing().returning(ReceivedMail.id)
    return db.session.execute(statement).scalar_one_or_none()


def _message_id(head: bytes) -> str | None:
    try:
        return headers.message_id(headers.value(parts.parse_head(head), "Message-ID"))
    except Exception:
        # The promise is that it is kept, whatever it is; reading it comes later.
        return None


class _Passing(io.RawIOBase):
    """A stream that shows what is read from it to a fingerprint."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.mark = stream, Fingerprint()

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.mark.feed(block)
        return block
