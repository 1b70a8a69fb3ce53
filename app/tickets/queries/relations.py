"""What tickets have to do with each other: merged, linked, split off, following."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, literal, or_, select, union_all

from app.core.errors import NotFound
from app.core.records.kind import kind_named
from app.core.records.queries import live, locked, visible
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import Ticket, TicketLink, TicketMerge, TicketMessage
from app.tickets.rules import lifecycle

_MOST = 100


@dataclass(frozen=True, slots=True)
class Related:
    """A ticket beside another: `how` is the link's kind, or merged, into, follows, followed."""

    id: UUID
    number: int
    subject: str
    status: str
    how: str
    link_id: UUID | None = None


def list_related(scope: Scope, ticket: Ticket) -> list[Related]:
    """The tickets this one has to do with that the asker may see, at most a hundred of a sort."""
    return [*_merged(scope, ticket), *_following(scope, ticket), *_linked(scope, ticket)]


def list_of_requester(scope: Scope, ticket: Ticket, limit: int, *, working: bool = False) -> list[Related]:
    """The newest other tickets of the same requester that the asker may see, or only those still worked on; none if
    the requester has no address."""
    if not ticket.requester_key:
        return []
    kind = kind_named("ticket")
    query = select(Ticket.id, Ticket.number, Ticket.subject, Ticket.status).where(
        Ticket.requester_key == ticket.requester_key,
        Ticket.id != ticket.id,
        Ticket.deleted_at.is_(None),
        Ticket.merged_into_id.is_(None),
        *visible(scope, kind),
    )
    query = query.where(Ticket.status.in_(lifecycle.WORKING)) if working else query
    found = db.session.execute(query.order_by(Ticket.id.desc()).limit(limit))
    return [Related(*row, "requester") for row in found]


def list_merged_ids(scope: Scope, ticket_id: UUID) -> list[UUID]:
    """The tickets whose messages belong into this one's conversation: those merged into it, and into those."""
    tree = select(Ticket.id).where(Ticket.merged_into_id == ticket_id, Ticket.deleted_at.is_(None))
    found = tree.cte("merged", recursive=True)
    deeper = select(Ticket.id).join(found, Ticket.merged_into_id == found.c.id).where(Ticket.deleted_at.is_(None))
    return list(db.session.scalars(select(found.union(deeper).c.id).limit(_MOST)))


def find_final(ticket: Ticket) -> Ticket:
    """The ticket itself, or the one it went into, and so on: where its mail belongs."""
    seen = {ticket.id}
    while ticket.merged_into_id is not None and ticket.merged_into_id not in seen:
        into = db.session.get(Ticket, (ticket.tenant_id, ticket.merged_into_id))
        if into is None or into.deleted_at is not None:
            break
        ticket = into
        seen.add(ticket.id)
    return ticket


def find_by_number(scope: Scope, number: int) -> Ticket | None:
    """The live ticket of that number, if the asker may see it."""
    found: Ticket | None = db.session.scalars(live(scope, kind_named("ticket")).where(Ticket.number == number)).first()
    return found


def find_merge(scope: Scope, ticket_id: UUID, *, lock: bool = False) -> TicketMerge | None:
    """The merge by which a ticket went into another and which was not undone."""
    query = select(TicketMerge).where(TicketMerge.source_id == ticket_id, TicketMerge.undone_at.is_(None))
    return db.session.scalars(locked(query) if lock else query).one_or_none()


def get_link(scope: Scope, ticket_id: UUID, link_id: UUID) -> TicketLink:
    """Raises NotFound unless the link is one of this ticket's."""
    either = or_(TicketLink.ticket_id == ticket_id, TicketLink.other_id == ticket_id)
    found = db.session.scalars(select(TicketLink).where(TicketLink.id == link_id, either)).one_or_none()
    if found is None:
        raise NotFound("These tickets are not linked any more.")
    return found


def find_link(ticket_id: UUID, other_id: UUID, kind: str) -> TicketLink | None:
    """The link of this sort between two tickets, whichever way round."""
    there = and_(TicketLink.ticket_id == ticket_id, TicketLink.other_id == other_id)
    back = and_(TicketLink.ticket_id == other_id, TicketLink.other_id == ticket_id)
    return db.session.scalars(select(TicketLink).where(or_(there, back), TicketLink.kind == kind)).first()


def list_messages_of(scope: Scope, ticket_id: UUID, ids: Sequence[UUID] | None = None) -> list[TicketMessage]:
    """The ticket's own messages, oldest first, the last hundred; or those of these ids, locked."""
    query = select(TicketMessage).where(TicketMessage.ticket_id == ticket_id)
    if ids is not None:
        return list(db.session.scalars(locked(query.where(TicketMessage.id.in_(ids)).order_by(TicketMessage.id))))
    return list(db.session.scalars(query.order_by(TicketMessage.id.desc()).limit(_MOST)))[::-1]


def _merged(scope: Scope, ticket: Ticket) -> list[Related]:
    found = _rows(scope, Ticket.merged_into_id == ticket.id, "merged")
    if ticket.merged_into_id is not None:
        found += _rows(scope, Ticket.id == ticket.merged_into_id, "into")
    return found


def _following(scope: Scope, ticket: Ticket) -> list[Related]:
    found = _rows(scope, Ticket.follows_id == ticket.id, "followed")
    if ticket.follows_id is not None:
        found += _rows(scope, Ticket.id == ticket.follows_id, "follows")
    return found


def _rows(scope: Scope, condition: Any, how: str) -> list[Related]:
    kind = kind_named("ticket")
    query = select(Ticket.id, Ticket.number, Ticket.subject, Ticket.status)
    query = query.where(condition, Ticket.deleted_at.is_(None), *visible(scope, kind)).order_by(Ticket.id)
    return [Related(*row, how) for row in db.session.execute(query.limit(_MOST))]


def _linked(scope: Scope, ticket: Ticket) -> list[Related]:
    """Both sides, in one statement; of a duplicate or split the other way round has words of its own."""
    sides = (TicketLink.ticket_id, TicketLink.other_id, False), (TicketLink.other_id, TicketLink.ticket_id, True)
    found = db.session.execute(union_all(*(_links(scope, ticket, *side) for side in sides)))
    rows = sorted(found, key=lambda row: (row.backwards, row.link))
    return [
        Related(
            row.id, row.number, row.subject, row.status, f"{row.kind}-back" if row.backwards else row.kind, row.link
        )
        for row in rows
    ]


def _links(scope: Scope, ticket: Ticket, here: Any, there: Any, backwards: bool) -> Any:
    columns = (Ticket.id, Ticket.number, Ticket.subject, Ticket.status, TicketLink.kind, TicketLink.id.label("link"))
    query = select(*columns, literal(backwards).label("backwards"))
    query = query.join(Ticket, and_(Ticket.tenant_id == TicketLink.tenant_id, Ticket.id == there))
    query = query.where(here == ticket.id, Ticket.deleted_at.is_(None), *visible(scope, kind_named("ticket")))
    return query.order_by(TicketLink.id).limit(_MOST)
