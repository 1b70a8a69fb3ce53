"""What happens when a ticket is made, changed or moved, whatever way it came.

The order of making one is the seed's: validate → classify → one transaction (ticket, classification, event) → SLA →
notify.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from app.core.errors import Invalid
from app.core.records.hooks import BulkAction, Changes, Hooks, register_hooks
from app.core.records.models import Record
from app.core.records.text import words
from app.core.scope import Scope
from app.tickets.actions import assigning, categories, classifying, clocks, numbering, relating
from app.tickets.definition import TICKETS
from app.tickets.models import Ticket
from app.tickets.models.tickets import NO_DUE
from app.tickets.rules import lifecycle


def creating(scope: Scope, values: dict[str, Any]) -> Any:
    """Numbers the ticket and asks the classifier."""
    suggestion = classifying.suggest(scope, values)
    values["number"] = numbering.take_numbers(scope, 1)[0]
    values["opened_at"] = values["opened_at"] or scope.now
    return suggestion


def preparing(scope: Scope, ticket: Ticket) -> None:
    clocks.promise(scope, ticket)


def created(scope: Scope, ticket: Ticket, suggestion: Any) -> None:
    classifying.record(scope, ticket, suggestion)
    clocks.begin(scope, ticket)
    assigning.take_in(scope, ticket)


def changed(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    clocks.changed(scope, ticket, changes)
    classifying.remember_correction(scope, ticket, changes)
    assigning.changed(scope, ticket, changes)


def checking(scope: Scope, ticket: Ticket, to: str) -> None:
    """Raises Invalid for a ticket that was merged: it lives on in the other."""
    if ticket.merged_into_id is not None and to in lifecycle.WORKING:
        raise Invalid({"status": "This ticket was merged into another. Undo the merge to open it again."})


def moved(scope: Scope, ticket: Ticket, before: str, to: str) -> None:
    """Stamps the ticket and tells its clocks."""
    if to == lifecycle.RESOLVED or (to == lifecycle.CLOSED and ticket.resolved_at is None):
        ticket.resolved_at = scope.now
    if to == lifecycle.CLOSED:
        ticket.closed_at = scope.now
    if before in lifecycle.DONE and to not in lifecycle.DONE:
        ticket.resolved_at = ticket.closed_at = None
    clocks.moved(scope, ticket, before, to)
    if before in lifecycle.DONE and to not in lifecycle.DONE:
        assigning.take_in(scope, ticket)


def deleted(scope: Scope, tickets: Sequence[Record]) -> None:
    for ticket in cast(Sequence[Ticket], tickets):
        clocks.note(scope, ticket, "deleted")


def restored(scope: Scope, tickets: Sequence[Record]) -> None:
    for ticket in cast(Sequence[Ticket], tickets):
        clocks.note(scope, ticket, "restored")


def importing(scope: Scope, rows: Sequence[dict[str, Any]]) -> None:
    """Numbers many tickets at once. Imported history makes no promises: such tickets have no clocks (ADR 34)."""
    for row, number in zip(rows, numbering.take_numbers(scope, len(rows)), strict=True):
        row["number"] = number
        row["opened_at"] = row["opened_at"] or scope.now
        row["search_text"] = " ".join(dict.fromkeys([*words(str(number)), *row["search_text"].split()]))
        row |= _STILL


def may_name(scope: Scope, field: str) -> bool:
    """A file brings its categories along if whoever imports it may set them up."""
    return field == "category_id" and scope.may("desk:manage")


def naming(scope: Scope, field: str, names: Mapping[UUID, str]) -> None:
    categories.add_categories(scope, names)


_STILL = {"sla_state": "none", "due_order": NO_DUE, "conversation_text": ""}


def merge_many(scope: Scope, ids: Sequence[UUID]) -> str:
    into, count = relating.merge_all(scope, ids)
    return f"{count} ticket{'s' * (count != 1)} merged into #{into.number}, the oldest. Its page can undo each."


register_hooks(
    TICKETS,
    Hooks(
        may_name=may_name,
        naming=naming,
        creating=creating,
        preparing=preparing,
        created=created,
        changed=changed,
        checking=checking,
        moved=moved,
        deleted=deleted,
        restored=restored,
        importing=importing,
        bulk={"merge": BulkAction("Merge", "git-merge", merge_many)},
    ),
)
