"""What the pages of the service desk show, by subject."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from app.core import hx
from app.core.records.models import Record
from app.core.scope import Scope
from app.tickets.models import Ticket
from app.tickets.pages.classification import see_suggestions
from app.tickets.pages.clocks import see_clocks
from app.tickets.pages.conversation import present_conversation
from app.tickets.pages.relating import related_lines, requester_lines
from app.tickets.queries import list_ratings

BLOCKS = (
    "record_title",
    "record_take",
    "record_summary",
    "record_facts",
    "conversation",
    "clocks",
    "classification",
    "related",
    "rating",
)
"""Blocks of the ticket page that can be asked for alone."""


def beside_record(scope: Scope, ticket: Record) -> dict[str, Any]:
    """What a ticket's page shows beyond what every record's does; each subject adds its part here."""
    assert isinstance(ticket, Ticket)
    others, more = requester_lines(scope, ticket) if hx.shows(BLOCKS, "related") else ([], False)
    return {
        "ticket": ticket,
        "others": others,
        "more_others": more,
        "related": related_lines(scope, ticket) if hx.shows(BLOCKS, "related") else [],
        "clocks": see_clocks(scope, ticket.id) if hx.shows(BLOCKS, "clocks") else None,
        "talk": present_conversation(scope, ticket, since=_since()) if hx.shows(BLOCKS, "conversation") else None,
        "suggestions": see_suggestions(scope, ticket) if hx.shows(BLOCKS, "classification") else [],
        "ratings": list_ratings(scope, ticket.id) if ticket.csat else [],
    }


def _since() -> UUID | None:
    """How far back the conversation is opened, for links to a message of long ago; None for the newest page."""
    return request.args.get("since", type=UUID)
