"""How tickets describe themselves to the shared record machinery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.records.fields import (
    Choice,
    DateTime,
    Email,
    Field,
    LongText,
    Person,
    Reference,
    Tags,
    WholeNumber,
)
from app.core.records.kind import Board, Lifecycle, RecordKind, Sort, register
from app.core.records.text import fold, search_text, tag_key
from app.tickets import queues, sample
from app.tickets.models import Ticket
from app.tickets.queries import CATEGORY_KIND, list_category_names, list_own_teams, list_team_names
from app.tickets.queries.facets import FACETS
from app.tickets.rules import lifecycle

_SEARCHED = ("subject", "description", "requester_name", "requester_email", "customer", "external_id")
_STATUS = Choice(lifecycle.STATUSES, lifecycle.STATUS_WORDS)
_PRIORITY = Choice(lifecycle.PRIORITIES, lifecycle.PRIORITY_WORDS)
_CHANNEL = Choice(lifecycle.CHANNELS, lifecycle.CHANNEL_WORDS)

FIELDS = (
    Field("number", "Number", WholeNumber(), sort="number", inline=False, editable=False),
    Field("subject", "Subject", group="Request", max_length=300,
          aliases=("title", "ticket subject", "summary", "topic")),
    Field("description", "Description", LongText(), group="Request", max_length=50_000,
          aliases=("ticket description", "body", "text", "message", "question", "issue")),
    Field("requester_name", "Requester", group="Requester", max_length=120, autocomplete="off",
          aliases=("customer name", "requester name", "contact", "from", "name")),
    Field("requester_email", "Requester's e-mail", Email(), group="Requester", max_length=254,
          aliases=("customer email", "requester email", "email", "e-mail", "mail")),
    Field("customer", "Customer", group="Requester", filterable=False,
          aliases=("organisation", "organization", "company", "account")),
    Field("status", "Status", _STATUS, group="Handling", filterable=True, inline=False,
          editable=False, default=lifecycle.NEW, aliases=("ticket status", "state")),
    Field("priority", "Priority", _PRIORITY, group="Handling", sort="priority", filterable=True,
          required=True, default=lifecycle.NORMAL, aliases=("ticket priority", "urgency", "severity")),
    Field("category_id", "Category", Reference(list_category_names, "category", CATEGORY_KIND), group="Handling",
          filterable=True, aliases=("category", "ticket type", "type", "queue")),
    Field("owner_id", "Assignee", Person(), group="Handling", filterable=True,
          aliases=("agent", "assigned to", "owner")),
    Field("team_id", "Team", Reference(list_team_names, "team", "team", list_own_teams), group="Handling",
          filterable=True, aliases=("group", "department")),
    Field("tags", "Tags", Tags(), group="Handling", max_length=2000, filterable=True, default=(),
          aliases=("labels", "keywords")),
    Field("channel", "Channel", _CHANNEL, group="More", filterable=True, required=True,
          default="web", aliases=("ticket channel", "source")),
    Field("language", "Language", group="More", max_length=20, aliases=("lang",)),
    Field("external_id", "Reference elsewhere", group="More", max_length=100,
          aliases=("ticket id", "id", "external id", "case number")),
    Field("sla_state", "Service level", Choice(lifecycle.SLA_STATES, nothing="none"), filterable=True, inline=False,
          editable=False, default="none"),
    Field("due_at", "Due", DateTime(), sort="due", inline=False, editable=False, filterable=True),
    Field("opened_at", "Opened", DateTime(), inline=False, editable=False, importable=True, filterable=True,
          aliases=("created", "created at", "date", "opened at")),
    Field("first_replied_at", "First reply", DateTime(), inline=False, editable=False, importable=True,
          aliases=("first response time", "first response", "first response at")),
    Field("resolved_at", "Resolved", DateTime(), inline=False, editable=False, importable=True, filterable=True,
          aliases=("resolved at", "time to resolution")),
    Field("closed_at", "Closed", DateTime(), inline=False, editable=False, importable=True, aliases=("closed at",)),
    Field("csat", "Rating", Choice(lifecycle.RATINGS), inline=False, editable=False, filterable=True),
)  # fmt: skip


def derive(values: Mapping[str, Any]) -> dict[str, Any]:
    """The stored columns nobody types; a missing subject is the first words of the description."""
    subject = lifecycle.subject_of(values)
    number = str(values["number"]) if values.get("number") else None
    return {
        "subject": subject,
        "priority_order": lifecycle.PRIORITY_ORDER[values["priority"] or lifecycle.NORMAL],
        "requester_key": requester_key(values),
        "match_key": match_key(values, subject),
        "search_text": search_text([number, subject, *(values[field] for field in _SEARCHED[1:])]),
        "tag_keys": [tag_key(tag) for tag in values["tags"] or ()],
    }


def requester_key(values: Mapping[str, Any]) -> str:
    """What makes two tickets the same requester's: the address; empty if there is none."""
    return fold(values["requester_email"] or "")


def match_key(values: Mapping[str, Any], subject: str) -> str:
    """What makes two tickets likely the same: their name in another system, else requester and subject."""
    if values["external_id"]:
        return f"x:{fold(values['external_id'])}"
    return f"n:{requester_key(values)}|{fold(values['requester_name'] or '')}|{fold(subject)}"


TICKETS = register(
    RecordKind(
        name="ticket",
        plural="tickets",
        label="Ticket",
        label_plural="Tickets",
        icon="lifebuoy",
        model=Ticket,
        fields=FIELDS,
        title=lifecycle.title_of,
        title_fields=("number", "subject"),
        derive=derive,
        check=lifecycle.missing,
        sample=sample.create,
        sample_tag=sample.TAG,
        columns=(
            "requester_name",
            "status",
            "priority",
            "category_id",
            "owner_id",
            "sla_state",
            "updated_at",
        ),
        sorts=(
            Sort("created", "Newest first", "id", descending=True),
            Sort("oldest", "Oldest first", "id"),
            Sort("due", "Due first", "due_order"),
            Sort("updated", "Recently changed", "updated_at", descending=True),
            Sort("-updated", "Longest unchanged", "updated_at"),
            Sort("priority", "Most urgent", "priority_order", descending=True),
            Sort("number", "Lowest number", "number"),
        ),
        lifecycle=Lifecycle(moves=lifecycle.MOVES, initial=lifecycle.NEW),
        empty_text="Requests of customers. They come by mail, through the API, or you add one for somebody who called.",
        import_text="Tickets from a file keep the category and priority they have. They get service levels once their "
        "customer writes or they are reopened: nothing was promised here before.",
        quick_filters=("status", "priority", "owner_id"),
        bulk_fields=("owner_id", "priority", "category_id", "team_id"),
        owned_by_maker=False,
        queues=queues.QUEUES,
        first_queue=queues.first_queue,
        urgency=queues.urgency,
        urgency_fields=queues.URGENCY_FIELDS,
        board=Board(columns=("status", "priority"), facts=("priority", "requester_name", "sla_state")),
        facets=FACETS,
    )
)
