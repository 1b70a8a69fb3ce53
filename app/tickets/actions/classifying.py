"""What a classifier suggests for a ticket, and what becomes of it.

A suggestion is written into the ticket only where nobody has chosen and it is as sure as the tenant's settings ask.
What a person decides always wins, and the next training learns from it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.errors import Invalid
from app.core.events import publish
from app.core.records.actions import update_record
from app.core.records.hooks import Changes
from app.core.records.kind import kind_named
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions.offline import OfflineClassifier
from app.tickets.classifier.offering import CATEGORY, PRIORITY, Classifier, Labels, Suggestion, ask
from app.tickets.events import TicketClassified
from app.tickets.models import Classification, Ticket
from app.tickets.models.classification import ACCEPTED, CHANGED, UNDONE
from app.tickets.rules import lifecycle

log = logging.getLogger(__name__)

CLASSIFIERS: list[Classifier] = [OfflineClassifier()]
"""Who is asked, in this order; the first that knows a field is believed."""
COLUMNS = {CATEGORY: "category_id", PRIORITY: "priority"}
"""The ticket's column of a field, and what stands there when nobody has chosen."""
EMPTY = {CATEGORY: None, PRIORITY: lifecycle.NORMAL}


@dataclass(frozen=True, slots=True)
class Decision:
    """A suggestion, and what was done with it."""

    suggestion: Suggestion
    applied: bool
    abstained: bool
    chosen: str | None
    """What a person had chosen already."""


def suggest(scope: Scope, values: dict[str, Any]) -> list[Decision]:
    """What the classifiers make of a ticket about to be stored; fills in what they are sure of. Never raises."""
    try:
        settings = queries.get_desk_settings(scope)
        if not settings.classify:
            return []
        found = ask(CLASSIFIERS, scope, values.get("subject") or "", values.get("description") or "", labels_of(scope))
        return [_decide(scope, values, suggestion, settings.classify_threshold) for suggestion in found]
    except Exception:
        # The ticket matters more than what it is called.
        log.exception("classification_failed", extra={"tenant_id": str(scope.tenant_id)})
        return []


def record(scope: Scope, ticket: Ticket, decisions: list[Decision]) -> None:
    """Stores the suggestions beside their ticket."""
    for decision in decisions:
        made = decision.suggestion
        row = Classification(
            ticket_id=ticket.id,
            field=made.field,
            provider=made.provider,
            model=made.model,
            label=made.label,
            confidence=made.confidence,
            reasoning=made.reasoning,
            abstained=decision.abstained,
            applied=decision.applied,
            created_at=scope.now,
        )
        if decision.chosen is not None:
            _settle(scope, row, ACCEPTED if decision.chosen == made.label else CHANGED, decision.chosen)
        db.session.add(row)
        if decision.applied:
            publish(
                scope, TicketClassified("ticket", ticket.id, field=made.field, percent=round(made.confidence * 100))
            )
    db.session.flush()


def remember_correction(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """A person decided: as suggested, or otherwise. What the system itself changes is nobody's decision."""
    if scope.user_id is None:
        return
    for field, column in COLUMNS.items():
        if column not in changes:
            continue
        row = queries.find_classification(scope, ticket.id, field, lock=True)
        if row is not None:
            final = _label(changes[column][1])
            _settle(scope, row, ACCEPTED if final == row.label else CHANGED, final)


def accept(scope: Scope, ticket_id: UUID, field: str) -> None:
    """Somebody says that the suggestion is right; it is written into the ticket unless it is there.

    Raises:
        NotFound: there is no such ticket. Forbidden: it is not theirs to change.
        Invalid: nothing was suggested, or it is not there any more.
    """
    ticket, row = _decidable(scope, ticket_id, field)
    if row.label is None or row.label not in labels_of(scope).get(field, {}):
        raise Invalid({"": "What was suggested is not there any more. Choose another."})
    _write(scope, ticket, field, row.label)
    _settle(scope, row, ACCEPTED, row.label)
    db.session.flush()


def undo(scope: Scope, ticket_id: UUID, field: str) -> None:
    """Takes back what was written into the ticket, as if nobody had chosen; raises as `accept`.

    What a person has chosen meanwhile stays.
    """
    ticket, row = _decidable(scope, ticket_id, field)
    if not row.applied:
        raise Invalid({"": "Nothing was set here that could be taken back."})
    if _label(getattr(ticket, COLUMNS[field])) == row.label:
        _write(scope, ticket, field, EMPTY[field])
        _settle(scope, row, UNDONE, None)
    db.session.flush()


def labels_of(scope: Scope) -> Labels:
    """What may be suggested: the categories tickets can have now, and the priorities."""
    return {
        CATEGORY: {str(option.id): option.name for option in queries.list_category_names(scope) if option.active},
        PRIORITY: {value: label for value, label, _ in lifecycle.PRIORITIES},
    }


def _decide(scope: Scope, values: dict[str, Any], suggestion: Suggestion, threshold: float) -> Decision:
    column = COLUMNS[suggestion.field]
    abstained = suggestion.label is None or suggestion.confidence < threshold
    applied = not abstained and _is_open(scope, suggestion.field, values)
    chosen = None
    if suggestion.field == CATEGORY:
        chosen = _label(values.get(column))
    if applied:
        values[column] = _value(suggestion.field, suggestion.label)
    return Decision(suggestion, applied, abstained, chosen)


def _is_open(scope: Scope, field: str, values: Mapping[str, Any]) -> bool:
    """Whether nobody has chosen. A form always sends a priority, so one that stands for "not chosen" is believed only
    where no person was asked: a mail."""
    if values.get(COLUMNS[field]) != EMPTY[field]:
        return False
    return field == CATEGORY or scope.user_id is None


def _decidable(scope: Scope, ticket_id: UUID, field: str) -> tuple[Ticket, Classification]:
    ticket = queries.get_ticket(scope, ticket_id, lock=True, change=True)
    row = queries.find_classification(scope, ticket.id, field, lock=True) if field in COLUMNS else None
    if row is None:
        raise Invalid({"": "Nothing was suggested here."})
    return ticket, row


def _write(scope: Scope, ticket: Ticket, field: str, label: str | None) -> None:
    column = COLUMNS[field]
    update_record(scope, kind_named("ticket"), ticket.id, ticket.version, {column: _value(field, label)})


def _settle(scope: Scope, row: Classification, outcome: str, final: str | None) -> None:
    row.outcome, row.final_label = outcome, final
    row.decided_at, row.decided_by = scope.now, scope.user_id


def _value(field: str, label: str | None) -> Any:
    return UUID(label) if field == CATEGORY and label else label


def _label(value: Any) -> str | None:
    return None if value is None else str(value)
