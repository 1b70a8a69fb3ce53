"""Filters of the list of tickets that figures link to, and that are no fields."""

from __future__ import annotations

from typing import Any

from app.core.records.fields import Field, FieldError, FieldType, ParseContext
from app.core.records.kind import Facet
from app.core.scope import Scope
from app.tickets.models import Ticket
from app.tickets.queries.figures import selection_of
from app.tickets.rules.figures import Counted, read_counted

_NONE = "none"
_WORDS = {"met": "met", "breached": "breached", "decided": "met or breached"}


class CountedTickets(FieldType):
    """The tickets a figure counts; rules.figures has the form."""

    operators = ("holds",)

    def convert(self, text: str, spec: Field, context: ParseContext) -> Counted:
        try:
            return read_counted(text)
        except ValueError as wrong:
            raise FieldError("That is no figure's list.") from wrong

    def show(self, value: Any, scope: Scope) -> str:
        days = f"{value.first.isoformat()} to {value.last.isoformat()}"
        policy = " under one policy" if value.policy_id else ""
        return f"{value.clock.replace('_', ' ')} {_WORDS[value.verdict]}{policy}, {days}"


class ExactText(FieldType):
    """`=` and just this text; `none` for nothing."""

    operators = ("holds",)

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        if text != _NONE and not text.startswith("="):
            raise FieldError("Write = before the name.")
        return text

    def show(self, value: Any, scope: Scope) -> str:
        return "none" if value == _NONE else value[1:]


FACETS = (
    Facet(Field("sla", "Service figures", CountedTickets()), selection_of),
    Facet(
        Field("customer_is", "Customer", ExactText(), max_length=300),
        lambda scope, value: Ticket.customer.is_(None) if value == _NONE else Ticket.customer == value[1:],
    ),
)
