"""The conversation of a ticket: its messages with their files, drafts, and what waits to leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, text

from app.accounts.queries import list_teams
from app.core import db as database
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.scope import Scope, no_tenant
from app.extensions import db
from app.tickets.models import TicketFile, TicketMessage
from app.tickets.models.conversation import TicketDraft
from app.tickets.queries.relations import list_merged_ids
from app.tickets.queries.tickets import get_ticket

_REPLY, _HELD, _WITHDRAWN = "reply", "held", "withdrawn"
_SAID = ("ticket.replied", "ticket.annotated", "ticket.received", "ticket.reply-withdrawn")
"""Events of messages, which are shown themselves."""
_FILES_MOST = 2_000
_WORDS_OF = 2_000


def list_messages(
    scope: Scope, ticket_id: UUID, *, before: UUID | None = None, since: UUID | None = None, limit: int = 50
) -> list[TicketMessage]:
    """The messages before an id and not before another, newest first, with those of the tickets that were merged into
    this one. None that was withdrawn."""
    among = [ticket_id, *list_merged_ids(scope, ticket_id)]
    query = select(TicketMessage).where(TicketMessage.ticket_id.in_(among), TicketMessage.state != _WITHDRAWN)
    query = query.where(TicketMessage.id < before) if before else query
    query = query.where(TicketMessage.id >= since) if since else query
    return list(db.session.scalars(query.order_by(TicketMessage.id.desc()).limit(limit)))


def list_happenings(
    scope: Scope, ticket_id: UUID, *, before: UUID | None = None, since: UUID | None = None, limit: int = 50
) -> list[EventRow]:
    """What happened to the ticket besides messages, newest first."""
    query = select(EventRow).where(EventRow.subject_id == ticket_id, EventRow.type.not_in(_SAID))
    query = query.where(EventRow.id < before) if before else query
    query = query.where(EventRow.id >= since) if since else query
    return list(db.session.scalars(query.order_by(EventRow.id.desc()).limit(limit)))


def list_entry_ids(scope: Scope, ticket_id: UUID, since: UUID, limit: int) -> list[UUID]:
    """The ids of the messages and happenings from this one on, oldest first."""
    among = [ticket_id, *list_merged_ids(scope, ticket_id)]
    said = select(TicketMessage.id).where(TicketMessage.ticket_id.in_(among), TicketMessage.state != _WITHDRAWN)
    done = select(EventRow.id).where(EventRow.subject_id == ticket_id, EventRow.type.not_in(_SAID))
    found = [
        one
        for query, key in ((said, TicketMessage.id), (done, EventRow.id))
        for one in db.session.scalars(query.where(key >= since).order_by(key).limit(limit))
    ]
    return sorted(found)[:limit]


def is_preceded(scope: Scope, ticket_id: UUID, entry_id: UUID) -> bool:
    """Whether anything was said or done before this."""
    return bool(
        list_messages(scope, ticket_id, before=entry_id, limit=1)
        or list_happenings(scope, ticket_id, before=entry_id, limit=1)
    )


def list_files(scope: Scope, message_ids: Sequence[UUID]) -> dict[UUID, list[TicketFile]]:
    """The files of these messages, by message, in the order they came."""
    query = select(TicketFile).where(TicketFile.message_id.in_(message_ids)).order_by(TicketFile.id).limit(_FILES_MOST)
    found: dict[UUID, list[TicketFile]] = {}
    for row in db.session.scalars(query):
        assert row.message_id is not None
        found.setdefault(row.message_id, []).append(row)
    return found


def list_waiting_files(scope: Scope, ticket_id: UUID, *, lock: bool = False) -> list[TicketFile]:
    """The files that the asker has uploaded here and not sent."""
    query = select(TicketFile).where(
        TicketFile.ticket_id == ticket_id, TicketFile.message_id.is_(None), TicketFile.uploaded_by == scope.user_id
    )
    return list(db.session.scalars((query.with_for_update() if lock else query).order_by(TicketFile.id).limit(100)))


def get_file(scope: Scope, file_id: UUID) -> TicketFile:
    """A file of a ticket that the asker sees; one that waits in a draft is its uploader's alone.

    Raises:
        NotFound: there is none, or it is not the asker's to see.
    """
    row = db.session.scalars(select(TicketFile).where(TicketFile.id == file_id)).one_or_none()
    if row is None or (row.message_id is None and row.uploaded_by != scope.user_id):
        raise NotFound("This file does not exist, or is not yours to see.")
    get_ticket(scope, row.ticket_id)
    return row


def get_message(scope: Scope, ticket_id: UUID, message_id: UUID, *, lock: bool = False) -> TicketMessage:
    """A message of a ticket that the asker sees, or of one that was merged into it. Raises NotFound."""
    get_ticket(scope, ticket_id)
    among = [ticket_id, *list_merged_ids(scope, ticket_id)]
    query = select(TicketMessage).where(TicketMessage.id == message_id, TicketMessage.ticket_id.in_(among))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound("This message does not exist, or is not yours to see.")
    return row


def find_place(scope: Scope, ticket_id: UUID, message_id: UUID) -> UUID:
    """The ticket in whose conversation a message stands: this one, also if it came with a merge, else the one it was
    split off into. Raises NotFound: there is no such message, or it is not the asker's to see."""
    get_ticket(scope, ticket_id)
    of = db.session.scalar(
        select(TicketMessage.ticket_id).where(TicketMessage.id == message_id, TicketMessage.state != _WITHDRAWN)
    )
    if of is None:
        raise NotFound("This message does not exist any more.")
    return ticket_id if of in (ticket_id, *list_merged_ids(scope, ticket_id)) else get_ticket(scope, of).id


def list_tickets_of(scope: Scope, message_ids: Sequence[UUID]) -> list[UUID]:
    """The tickets these messages are of, each once, in the order in which locks are taken."""
    query = select(TicketMessage.ticket_id).where(TicketMessage.id.in_(message_ids)).distinct()
    return sorted(db.session.scalars(query))


def list_bodies(scope: Scope, ticket_id: UUID) -> list[str]:
    """What was said on the ticket itself and has left, oldest first."""
    query = select(TicketMessage.body).where(
        TicketMessage.ticket_id == ticket_id, TicketMessage.state.not_in((_HELD, _WITHDRAWN))
    )
    return list(db.session.scalars(query.order_by(TicketMessage.id).limit(_WORDS_OF)))


def find_message_by_key(scope: Scope, key: str) -> TicketMessage | None:
    """The message that a form with this key has become."""
    return db.session.scalars(select(TicketMessage).where(TicketMessage.key == key)).one_or_none()


def find_message(scope: Scope, message_id: str) -> TicketMessage | None:
    """The message with this Message-ID."""
    return db.session.scalars(select(TicketMessage).where(TicketMessage.message_id == message_id)).one_or_none()


def find_crossing(scope: Scope, ticket_id: UUID, seen: UUID | None) -> TicketMessage | None:
    """A public reply of somebody else that came after the last message the asker has seen: the newest such."""
    query = select(TicketMessage).where(
        TicketMessage.ticket_id == ticket_id,
        TicketMessage.kind == _REPLY,
        TicketMessage.state != _WITHDRAWN,
        or_(TicketMessage.author_id.is_(None), TicketMessage.author_id != scope.user_id),
    )
    query = query.where(TicketMessage.id > seen) if seen else query
    return db.session.scalars(query.order_by(TicketMessage.id.desc()).limit(1)).one_or_none()


def find_draft(scope: Scope, ticket_id: UUID, *, lock: bool = False) -> TicketDraft | None:
    """What the asker is writing on this ticket."""
    query = select(TicketDraft).where(
        TicketDraft.ticket_id == ticket_id, TicketDraft.user_id == scope.user_id, TicketDraft.message_id.is_(None)
    )
    return db.session.scalars(query.with_for_update() if lock else query).one_or_none()


def find_draft_of(scope: Scope, message_id: UUID) -> TicketDraft | None:
    """The draft that a reply came from, while the reply can be taken back."""
    return db.session.scalars(
        select(TicketDraft).where(TicketDraft.message_id == message_id).with_for_update()
    ).one_or_none()


def list_due(scope: Scope, limit: int = 200) -> list[UUID]:
    """Replies whose time to be taken back is over, those that wait longest first."""
    due = select(TicketMessage.id).where(TicketMessage.state == _HELD, TicketMessage.send_at <= scope.now)
    return list(db.session.scalars(due.order_by(TicketMessage.send_at).limit(limit)))


def find_held(scope: Scope, message_id: UUID, *, lock: bool = False) -> TicketMessage | None:
    """The reply, if it is still held; with `lock`, if nobody else is at it."""
    query = select(TicketMessage).where(TicketMessage.id == message_id, TicketMessage.state == _HELD)
    if lock:
        query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return db.session.scalars(query).one_or_none()


def tenants_with_replies_due(limit: int = 1000) -> list[UUID]:
    """Tenants with a reply that has to leave; through a definer function, which tells nothing but ids."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_replies_due(cast(:limit as integer))"), {"limit": limit})
        waiting = [row[0] for row in rows]
        database.rollback()
    return waiting


def count_bytes(scope: Scope) -> int:
    """How much the files of the tenant's tickets have."""
    return int(db.session.scalar(select(func.coalesce(func.sum(TicketFile.size), 0))) or 0)


def list_old_waiting_files(scope: Scope, before: datetime, limit: int = 500) -> list[TicketFile]:
    """Files that were uploaded before then, never sent, and whose draft is gone."""
    draft = select(TicketDraft.id).where(
        TicketDraft.ticket_id == TicketFile.ticket_id, TicketDraft.user_id == TicketFile.uploaded_by
    )
    query = select(TicketFile).where(TicketFile.message_id.is_(None), TicketFile.created_at < before, ~draft.exists())
    return list(db.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))


def list_team_members(scope: Scope, team_id: UUID | None) -> list[UUID]:
    """Who is in this team; nobody if there is none."""
    if team_id is None:
        return []
    return next((list(team.members) for team in list_teams(scope) if team.id == team_id), [])
