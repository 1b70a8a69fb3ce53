"""Which policy a ticket falls under, and what a policy's definition holds.

A definition: `conditions` (field → values, of which one must fit; all fields must), the targets in minutes
(`first_response`, `next_response`, `resolution`; none for no promise), `pause_on`, `pause_targets`, `reopen`,
`warn_percent`, and `escalations`, each with `after` (minutes after the breach) and what is done then: `assign_to`
(a person's id), `notify` (people's ids), `notify_managers`, `raise_priority`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from app.core.records.text import fold, tag_key
from app.tickets.rules.definitions import policy_of
from app.tickets.rules.sla import Policy

CONDITIONS = ("priority", "category", "customer", "channel", "tag")
MOST_WARNINGS, MOST_LEVELS = 5, 5


def customer_key(name: str) -> str:
    """What makes two names the same customer's."""
    return fold(" ".join(name.split()))


# Customers and tags are the same however they are spelled.
_AS_FACT: Mapping[str, Callable[[str], str]] = {"customer": customer_key, "tag": tag_key}


class Promise(Protocol):
    """What of a policy decides whether it fits."""

    @property
    def definition(self) -> Mapping[str, Any]: ...

    @property
    def is_on(self) -> bool: ...


Found = TypeVar("Found", bound=Promise)


def first_that_fits(policies: Iterable[Found], facts: Mapping[str, Sequence[str]]) -> Found | None:
    """The first policy that is on and whose conditions the ticket meets; `facts` has its values by condition."""
    return next((policy for policy in policies if policy.is_on and fits(policy.definition, facts)), None)


def fits(definition: Mapping[str, Any], facts: Mapping[str, Sequence[str]]) -> bool:
    conditions = definition.get("conditions", {})
    return all(
        not {_AS_FACT.get(name, str)(value) for value in wanted}.isdisjoint(facts.get(name, ()))
        for name, wanted in conditions.items()
        if wanted
    )


def engine_policy(definition: Mapping[str, Any]) -> Policy:
    """The definition as the engine takes it."""
    levels = [level["after"] for level in definition.get("escalations", ())]
    return policy_of({**definition, "escalation_after_breach": levels})


def same_promise(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the two differ in nothing a running clock would notice (conditions decide at the beginning only)."""
    noticed: Callable[[Mapping[str, Any]], Any] = lambda facts: {**facts, "conditions": None}  # noqa: E731
    return noticed(one) == noticed(other)
