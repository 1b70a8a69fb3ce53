"""What a ticket has to do with others, in words."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.core.scope import Scope
from app.tickets.models import Ticket, TicketMessage
from app.tickets.models.messages import NOTE
from app.tickets.queries import relations
from app.tickets.rules import lifecycle

_WORDS = {
    "into": "Merged into",
    "merged": "Merged into this",
    "follows": "Follows",
    "followed": "Followed by",
    "requester": "",
    "related": "Related to",
    "related-back": "Related to",
    "duplicate": "Its duplicate",
    "duplicate-back": "Duplicate of",
    "split": "Split off from this",
    "split-back": "Split off from",
}
LINKS = (("related", "Related to"), ("duplicate", "The other is a duplicate of this"))
_LABELS = {value: (label, tone) for value, label, tone in lifecycle.STATUSES}
_SHOWN = 140
_OTHERS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket beside this one. `undo` says whether a merge can be taken back here, and of which ticket."""

    id: UUID
    number: int
    title: str
    words: str
    status: str
    tone: str
    link_id: UUID | None
    undo: UUID | None


@dataclass(frozen=True, slots=True)
class MessageLine:
    id: UUID
    author: str
    at: str
    text: str
    note: bool


def related_lines(scope: Scope, ticket: Ticket) -> list[Line]:
    return [_line(ticket, one) for one in relations.list_related(scope, ticket)]


def requester_lines(scope: Scope, ticket: Ticket) -> tuple[list[Line], bool]:
    """The newest other tickets of the same requester, and whether there are more."""
    found = relations.list_of_requester(scope, ticket, _OTHERS + 1)
    return [_line(ticket, one) for one in found[:_OTHERS]], len(found) > _OTHERS


def merge_lines(scope: Scope, ticket: Ticket) -> list[Line]:
    """Tickets it may well be merged into: those of the same requester that are still worked on."""
    return [_line(ticket, one) for one in relations.list_of_requester(scope, ticket, _OTHERS, working=True)]


def message_lines(messages: list[TicketMessage]) -> list[MessageLine]:
    return [
        MessageLine(one.id, one.author_name, one.created_at.isoformat(), _beginning(one.body), one.kind == NOTE)
        for one in messages
    ]


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN].rstrip()}…"


def _line(ticket: Ticket, one: relations.Related) -> Line:
    undo = {"into": ticket.id, "merged": one.id}.get(one.how)
    label, tone = _LABELS[one.status]
    return Line(one.id, one.number, f"#{one.number} {one.subject}", _WORDS[one.how], label, tone, one.link_id, undo)


def said(how: str) -> str:
    """What a timeline says of a link: “linked it: duplicate of #12”."""
    return _WORDS.get(how, "Related to").lower()
