"""Files of tickets: kept, sent with a message, removed."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import BinaryIO, cast
from uuid import UUID

from app.core import cache
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.errors import Invalid, NotFound
from app.core.scope import Scope
from app.core.storage import files
from app.extensions import db
from app.gateways.files.content import is_active, is_shown, safe_name, sniffed
from app.tickets import queries
from app.tickets.actions import drafts
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.queries import conversation as reading
from app.tickets.rules.conversation import FILES_MAX

MEGABYTE = 2**20
WAITING_KEPT = timedelta(days=1)
"""A file that was uploaded, never sent, and has no draft."""
RECEIVED_MAX = 100 * MEGABYTE
"""Mail was limited by whoever read it; what a customer sent is not lost for a setting."""
_HEAD = 65_536
_SUM_KEPT = 60


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that comes with a message: its bytes, the name and type its sender gives, and where the text shows it."""

    name: str
    content: bytes
    type: str = ""
    content_id: str | None = None
    inline: bool = False


def upload(scope: Scope, ticket_id: UUID, stream: BinaryIO, name: str) -> TicketFile:
    """Keeps a file with what the asker is writing on the ticket, until it is sent.

    Raises:
        NotFound, Forbidden: the ticket is not the asker's to change.
        Invalid: too many files, or no room left.
        FileTooLarge: above the tenant's limit.
    """
    # No lock while bytes travel: two uploads at once may pass the number by one, and sending counts again.
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    if len(reading.list_waiting_files(scope, ticket_id)) >= FILES_MAX:
        raise Invalid({"file": f"A message can have {FILES_MAX} files. Remove one, or put them into an archive."})
    drafts.touch_draft(scope, ticket_id)
    return _keep(scope, ticket, stream, NewFile(name, b""), uploaded_by=scope.user_id)


def keep_files(scope: Scope, ticket: Ticket, message: TicketMessage, new: Sequence[NewFile]) -> list[TicketFile]:
    """Keeps files that came with a message. What is too large or too much is left out by whoever reads the mail."""
    return [_keep(scope, ticket, BytesIO(one.content), one, message_id=message.id) for one in new]


def remove_waiting(scope: Scope, ticket_id: UUID, file_id: UUID) -> None:
    """Takes back an upload of one's own that was not sent. Raises NotFound."""
    queries.get_ticket(scope, ticket_id)
    row = next((one for one in reading.list_waiting_files(scope, ticket_id, lock=True) if one.id == file_id), None)
    if row is None:
        raise NotFound("This file does not exist, or was sent already.")
    delete(row)


def discard_draft(scope: Scope, ticket_id: UUID) -> None:
    """Throws away what the asker wrote on the ticket, uploads included."""
    queries.get_ticket(scope, ticket_id)
    drafts.end_draft(scope, ticket_id)
    for row in reading.list_waiting_files(scope, ticket_id, lock=True):
        delete(row)


def delete(row: TicketFile) -> None:
    """The row now, its bytes after the commit."""
    store, key = files(), row.key
    db.session.delete(row)
    db.session.flush()
    after_commit(lambda: store.delete(key))


def purge_waiting(scope: Scope) -> int:
    """Removes uploads of more than a day ago that nobody sent and no draft waits for; returns how many."""
    old = reading.list_old_waiting_files(scope, scope.now - WAITING_KEPT)
    for row in old:
        delete(row)
    return len(old)


def take_waiting(scope: Scope, ticket_id: UUID, ids: Sequence[UUID] | None) -> list[TicketFile]:
    """The asker's uploads with these ids, all of them if None, locked, to be sent now.

    Raises:
        Invalid: one is gone, or together they are more than a message may have.
    """
    waiting = {row.id: row for row in reading.list_waiting_files(scope, ticket_id, lock=True)}
    chosen = list(waiting) if ids is None else list(dict.fromkeys(ids))
    if any(id_ not in waiting for id_ in chosen):
        raise Invalid({"file": "A file is not here any more. Look at the files below, and send again."})
    rows = [waiting[id_] for id_ in chosen]
    most = queries.get_desk_settings(scope).message_mb
    if len(rows) > FILES_MAX:
        raise Invalid({"file": f"A message can have {FILES_MAX} files. Remove one and send again."})
    if sum(row.size for row in rows) > most * MEGABYTE:
        raise Invalid({"file": f"The files of a message can have {most} MB together. Remove one and send again."})
    return rows


def _keep(
    scope: Scope,
    ticket: Ticket,
    stream: BinaryIO,
    new: NewFile,
    *,
    message_id: UUID | None = None,
    uploaded_by: UUID | None = None,
) -> TicketFile:
    """Writes the bytes, then the row; without a row the bytes go again. What a crash leaves, the nightly job finds."""
    settings = queries.get_desk_settings(scope)
    if message_id is None and _stored(scope) >= settings.files_gb * 1024 * MEGABYTE:
        raise Invalid({"file": "There is no room left for files. Ask an administrator."})
    head = stream.read(_HEAD)
    declared = new.type or mimetypes.guess_type(new.name)[0] or ""
    kind = sniffed(head, declared)
    name = safe_name(new.name, kind, 1)
    limit = settings.attachment_mb * MEGABYTE if message_id is None else RECEIVED_MAX
    store = files()
    kept = store.save(scope.tenant_id, cast(BinaryIO, _Again(head, stream)), limit)
    row = TicketFile(
        tenant_id=scope.tenant_id,
        id=new_id(),
        ticket_id=ticket.id,
        message_id=message_id,
        uploaded_by=uploaded_by,
        name=name,
        type=kind,
        size=kept.size,
        checksum=kept.checksum,
        key=kept.key,
        content_id=new.content_id,
        inline=new.inline,
        # A picture that does not tell a sane size is treated like what could run: it is only ever downloaded.
        active=is_active(name, kind, declared) or (kind.startswith("image/") and not is_shown(head, kind)),
        created_at=scope.now,
        updated_at=scope.now,
    )
    try:
        db.session.add(row)
        db.session.flush()
    except BaseException:
        store.delete(kept.key)
        raise
    return row


def _stored(scope: Scope) -> int:
    """What the tenant has stored, as of a minute ago at most."""
    return int(
        cache.get_or_make(
            scope.tenant_id, ("ticket-files",), "stored", lambda: reading.count_bytes(scope), ttl=_SUM_KEPT
        )
    )


class _Again:
    """A stream of which the beginning was read: that first, then the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._rest.read(size)
        block, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return block + self._rest.read() if size < 0 else block
