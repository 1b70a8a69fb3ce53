"""What a ticket's page shows of a classifier's suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core import people
from app.core.scope import Scope
from app.tickets import queries
from app.tickets.actions.offline import PROVIDER
from app.tickets.models import Classification, Ticket
from app.tickets.models.classification import ACCEPTED, CHANGED, UNDONE
from app.tickets.pages.classifier import FIELD_LABELS, label_names

APPLIED, POSSIBLE = "applied", "possible"
_LEAST_SHOWN = 0.5
"""A suggestion less sure than this is no help to anybody."""
_SAID = {ACCEPTED: "kept", CHANGED: "changed", UNDONE: "taken back"}


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """One field's suggestion. `state` is "applied" or "possible" until somebody decides, then what they did: "kept",
    "changed" (to `final`), "taken back"."""

    field: str
    field_label: str
    label: str
    percent: int
    model: str
    reasoning: str
    state: str
    final: str
    by: str
    at: datetime | None


def see_suggestions(scope: Scope, ticket: Ticket) -> list[SuggestionView]:
    """Those worth showing: what was set, what might be right, and what somebody made of it."""
    rows = queries.list_classifications(scope, ticket.id)
    views = (_view(scope, row, ticket) for row in rows if row.label is not None)
    return [view for view in views if view is not None]


def _view(scope: Scope, row: Classification, ticket: Ticket) -> SuggestionView | None:
    names = label_names(scope, row.field)
    state = _SAID.get(row.outcome or "") or (APPLIED if row.applied else POSSIBLE)
    name = names.get(row.label or "")
    if name is None or (state == POSSIBLE and not _is_worth_a_look(row, ticket)) or (row.outcome and not row.applied):
        return None
    decider = people.names_of(scope).get(row.decided_by, "") if row.decided_by else ""
    return SuggestionView(
        field=row.field,
        field_label=FIELD_LABELS[row.field],
        label=name,
        percent=round(row.confidence * 100),
        model=_model(row),
        reasoning=row.reasoning,
        state=state,
        final=names.get(row.final_label or "", "nothing") if row.outcome == CHANGED else "",
        by=decider,
        at=row.decided_at,
    )


def _is_worth_a_look(row: Classification, ticket: Ticket) -> bool:
    """Whether an agent gains by seeing it: it is fairly sure, and the ticket says otherwise or nothing."""
    now = ticket.category_id if row.field == "category" else ticket.priority
    sure = row.confidence >= _LEAST_SHOWN if row.field == "category" else not row.abstained
    return sure and str(now) != row.label


def _model(row: Classification) -> str:
    if row.provider == PROVIDER:
        return f"your own classifier, version {row.model.rpartition(' ')[2]}"
    return f"{row.provider}, {row.model}"
