"""Tickets that belong together: merged and taken apart again, split, linked.

A merged ticket keeps its messages: the other shows them in its conversation (`queries.relations.list_merged_ids`), and
mail to it goes there (`find_final`). So undoing a merge moves nothing back; it restores what the merge changed of the
ticket itself, which its row in `ticket_merges` remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import jsonable, publish
from app.core.records.actions import make_record
from app.core.records.events import StatusMoved
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions import clocks, conversation
from app.tickets.events import TicketAbsorbed, TicketLinked, TicketMerged, TicketUnlinked, TicketUnmerged
from app.tickets.models import Ticket, TicketFile, TicketLink, TicketMerge
from app.tickets.models.queue import LINKS, RELATED, SPLIT
from app.tickets.queries import relations
from app.tickets.rules import lifecycle

_KEPT = ("status", "resolved_at", "closed_at")
_SETTLED = frozenset({"received", "sent", "failed", "bounced"})
MOST_MERGED = 50


def merge(scope: Scope, source_id: UUID, target_id: UUID) -> TicketMerge:
    """Closes the first ticket and makes it part of the second.

    Raises:
        NotFound, Forbidden: as `get_ticket`, for either.
        Invalid: they are one ticket, or one of them was merged already.
    """
    if source_id == target_id:
        raise Invalid({"number": "A ticket cannot be merged into itself."})
    both = {one: queries.get_ticket(scope, one, lock=True, change=True) for one in sorted((source_id, target_id))}
    source, target = both[source_id], both[target_id]
    _refuse_merged(source, target)
    before = {name: jsonable(getattr(source, name)) for name in _KEPT}
    row = TicketMerge(
        tenant_id=scope.tenant_id,
        id=new_id(),
        source_id=source.id,
        target_id=target.id,
        by_id=scope.user_id,
        by_name=scope.user_name,
        before=before,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    clocks.note(scope, source, "merge")
    _stand(scope, source, lifecycle.CLOSED, source.resolved_at, source.closed_at or scope.now, target.id)
    publish(
        scope,
        TicketMerged("ticket", source.id, other_id=target.id, number=target.number),
        TicketAbsorbed("ticket", target.id, other_id=source.id, number=source.number),
    )
    return row


def merge_all(scope: Scope, ids: Sequence[UUID]) -> tuple[Ticket, int]:
    """Merges these tickets into the oldest of them; returns it and how many went into it.

    Raises:
        Invalid: there are fewer than two, too many, or one of them was merged already; then none is.
    """
    if not 2 <= len(set(ids)) <= MOST_MERGED:
        raise Invalid({"": f"Select two to {MOST_MERGED} tickets to merge."})
    target, *rest = sorted(set(ids))
    with db.session.begin_nested():
        for source in rest:
            merge(scope, source, target)
    return queries.get_ticket(scope, target), len(rest)


def undo_merge(scope: Scope, source_id: UUID) -> Ticket:
    """Makes a merged ticket one of its own again, as it was.

    Raises:
        NotFound, Forbidden: as `get_ticket`. Conflict: it is not merged any more, or was changed in a way that leaves
        nothing to restore.
    """
    source = queries.get_ticket(scope, source_id, lock=True, change=True)
    row = relations.find_merge(scope, source.id, lock=True)
    if row is None or source.merged_into_id != row.target_id:
        raise Conflict("This merge was undone already.")
    before = row.before
    _stand(scope, source, before["status"], _at(before["resolved_at"]), _at(before["closed_at"]), None)
    clocks.note(scope, source, "unmerge")
    row.undone_at, row.updated_at, row.version = scope.now, scope.now, row.version + 1
    target = db.session.get(Ticket, (scope.tenant_id, row.target_id))
    assert target is not None
    publish(
        scope,
        TicketUnmerged("ticket", source.id, other_id=target.id, number=target.number),
        TicketUnmerged("ticket", target.id, other_id=source.id, number=source.number),
    )
    return source


def split(scope: Scope, ticket_id: UUID, message_ids: Sequence[UUID], subject: str) -> Ticket:
    """Makes a ticket of some messages of another, of the same requester; they move, with their files.

    Raises:
        NotFound, Forbidden: as `get_ticket`.
        Invalid: no message was chosen, one is not of this ticket, or is still on its way.
    """
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    messages = relations.list_messages_of(scope, ticket.id, list(set(message_ids)))
    if not message_ids:
        raise Invalid({"messages": "Choose the messages that become a ticket of their own."})
    if len(messages) != len(set(message_ids)):
        raise Invalid({"messages": "Some of these messages are not in this ticket any more."})
    if any(message.state not in _SETTLED for message in messages):
        raise Invalid({"messages": "A reply that is still on its way cannot be split off. Wait until it has left."})
    values = {name: getattr(ticket, name) for name in _TAKEN_ALONG} | {
        "subject": subject or ticket.subject,
        "description": messages[0].body,
    }
    made = make_record(scope, kind_named("ticket"), values)
    assert isinstance(made, Ticket)
    for message in messages:
        message.ticket_id = made.id
    moved = [message.id for message in messages]
    db.session.execute(update(TicketFile).where(TicketFile.message_id.in_(moved)).values(ticket_id=made.id))
    db.session.flush()
    for one in (ticket, made):
        conversation.gather_words(scope, one)
    _add_link(scope, ticket, made, SPLIT)
    return made


_TAKEN_ALONG = (
    "requester_name",
    "requester_email",
    "customer",
    "priority",
    "category_id",
    "team_id",
    "channel",
    "language",
    "tags",
)


def link(scope: Scope, ticket_id: UUID, other_id: UUID, kind: str) -> TicketLink:
    """Says that two tickets belong together; saying it again changes nothing.

    Raises:
        NotFound, Forbidden: as `get_ticket`; the other needs only to be seen.
        Invalid: they are one, or `kind` is none.
    """
    if ticket_id == other_id:
        raise Invalid({"number": "A ticket cannot be linked to itself."})
    if kind not in LINKS:
        raise Invalid({"kind": "Choose how the tickets belong together."})
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    other = queries.get_ticket(scope, other_id)
    return relations.find_link(ticket.id, other.id, kind) or _add_link(scope, ticket, other, kind)


def unlink(scope: Scope, ticket_id: UUID, link_id: UUID) -> None:
    """Raises NotFound, Forbidden: as `get_ticket`; NotFound: the ticket has no such link."""
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    row = relations.get_link(scope, ticket.id, link_id)
    other = db.session.get(Ticket, (scope.tenant_id, row.other_id if row.ticket_id == ticket.id else row.ticket_id))
    assert other is not None
    db.session.delete(row)
    db.session.flush()
    publish(
        scope,
        TicketUnlinked("ticket", ticket.id, other_id=other.id, number=other.number),
        TicketUnlinked("ticket", other.id, other_id=ticket.id, number=ticket.number),
    )


def _add_link(scope: Scope, ticket: Ticket, other: Ticket, kind: str = RELATED) -> TicketLink:
    row = TicketLink(
        tenant_id=scope.tenant_id,
        id=new_id(),
        ticket_id=ticket.id,
        other_id=other.id,
        kind=kind,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    publish(
        scope,
        TicketLinked("ticket", ticket.id, other_id=other.id, number=other.number, link=kind),
        TicketLinked("ticket", other.id, other_id=ticket.id, number=ticket.number, link=f"{kind}-back"),
    )
    return row


def _refuse_merged(source: Ticket, target: Ticket) -> None:
    for one, words in ((source, "was merged already"), (target, "was itself merged")):
        if one.merged_into_id is not None:
            into = relations.find_final(one)
            raise Invalid({"number": f"#{one.number} {words}: it is part of #{into.number} now."})


def _stand(
    scope: Scope,
    ticket: Ticket,
    status: str,
    resolved_at: datetime | None,
    closed_at: datetime | None,
    into: UUID | None,
) -> None:
    """Puts the ticket into a status by the merge's hand: no lifecycle is asked, and no promise is kept or broken."""
    before = ticket.status
    ticket.status, ticket.resolved_at, ticket.closed_at = status, resolved_at, closed_at
    ticket.merged_into_id = into
    ticket.version, ticket.updated_at = ticket.version + 1, scope.now
    db.session.flush()
    if before != status:
        told: dict[str, Any] = {"before": before, "after": status, "reason": "", "seconds": 0}
        publish(scope, StatusMoved("ticket", ticket.id, **told, version=ticket.version))


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
