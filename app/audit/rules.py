"""What is unusual, as one table: which events, how many of them, in what time. Pure: facts in, alerts out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

TENANT, ACTOR, SUBJECT = "tenant", "actor", "subject"
POWERS = frozenset({"tenant:manage", "user:manage", "role:manage", "privacy:manage"})
"""Permissions with which somebody could take over the organisation; gaining one is always told."""
_GREAT_ROLES = frozenset({"owner", "admin", "administrator"})
_EXPORTED, _DELETED = "*.exported", "*.deleted"


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the rules see it. `privileged`: the person it is about holds one of the POWERS now."""

    type: str
    subject_id: UUID
    actor_id: UUID | None
    data: Mapping[str, Any]
    at: datetime
    privileged: bool = False


def _always(fact: Fact) -> bool:
    return True


def one(data: Mapping[str, Any]) -> int:
    """Every event counts the same."""
    return 1


@dataclass(frozen=True, slots=True)
class Rule:
    """`types` are event types, `*.verb` for records of every kind. `per` is what is counted together; `weight` is
    what one event counts for; `applies` looks at the event itself. An alert is raised once a cause and `window`.
    """

    name: str
    types: frozenset[str]
    title: str
    threshold: int = 1
    window: timedelta = timedelta(hours=1)
    per: str = SUBJECT
    applies: Callable[[Fact], bool] = _always
    weight: Callable[[Mapping[str, Any]], int] = one

    def cause(self, fact: Fact) -> str:
        """What the alert is about: the organisation, whoever did it, or what it was done to."""
        match self.per:
            case "tenant":
                return TENANT
            case "actor":
                return str(fact.actor_id or "system")
            case _:
                return str(fact.subject_id)

    def key(self, fact: Fact) -> str:
        """The same for all events of one cause in one window: one alert."""
        return f"{self.name}:{self.cause(fact)}:{int(fact.at.timestamp() // self.window.total_seconds())}"

    @property
    def counts(self) -> bool:
        """Whether the events before have to be counted."""
        return self.threshold > 1

    def fits(self, type: str) -> bool:
        return type in self.types or f"*.{type.rpartition('.')[2]}" in self.types


def rows_of(data: Mapping[str, Any]) -> int:
    """How many rows an export holds, as its event says."""
    return int(data.get("rows") or 0)


def _strange_device(fact: Fact) -> bool:
    return fact.privileged and not fact.data.get("first", False)


def _rose(fact: Fact) -> bool:
    """A person has a powerful role now and had none of the great ones before, or was invited to one by a colleague.

    Whom the operator invites is the first owner of an organisation, and would be told of themselves.
    """
    if "after" not in fact.data:
        return fact.privileged and fact.actor_id is not None
    before, after = (fact.data.get(side) or {} for side in ("before", "after"))
    changed = "role" in after and after != before
    # A role of the tenant's own may be called "Administrator" and allow nothing.
    great = "role_id" not in before and str(before.get("role", "")).casefold() in _GREAT_ROLES
    return changed and fact.privileged and not great


def _gained_powers(fact: Fact) -> bool:
    before, after = (set((fact.data.get(side) or {}).get("permissions", ())) for side in ("before", "after"))
    return bool((after - before) & POWERS)


def _by_another(fact: Fact) -> bool:
    return fact.actor_id != fact.subject_id


RULES = (
    Rule(
        "failed_sign_ins", frozenset({"sign_in.refused"}), "Many failed sign-ins",
        threshold=20, window=timedelta(minutes=10), per=TENANT,
    ),
    Rule("locked", frozenset({"sign_in.locked"}), "Sign-in locked after too many tries"),
    Rule(
        "mass_export", frozenset({_EXPORTED}), "Very many rows exported",
        threshold=10_000, per=ACTOR, weight=rows_of,
    ),
    Rule("many_exports", frozenset({_EXPORTED}), "Many exports in a short time", threshold=5, per=ACTOR),
    Rule(
        "mass_deletion", frozenset({_DELETED}), "Very many records deleted",
        threshold=500, window=timedelta(minutes=10), per=ACTOR,
    ),
    Rule("new_device", frozenset({"device.seen"}), "New device of an administrator", applies=_strange_device),
    Rule("rights_raised", frozenset({"user.rights_changed", "user.invited"}), "Somebody was given great rights",
         applies=_rose),
    Rule("role_raised", frozenset({"role.updated", "role.created"}), "A role gained great rights",
         applies=_gained_powers),
    Rule("token_reused", frozenset({"token_family.reused"}), "A program's token was used twice"),
    Rule("factor_removed", frozenset({"second_factor.removed"}), "A second factor was removed by somebody else",
         applies=_by_another),
)  # fmt: skip
"""The one table of what is unusual; its event types are those of accounts, of records and of exports."""


def rule_named(name: str) -> Rule | None:
    return next((rule for rule in RULES if rule.name == name), None)


def rules_for(type: str) -> tuple[Rule, ...]:
    """The rules that look at events of this type."""
    return tuple(rule for rule in RULES if rule.fits(type))


class Watched:
    """The event types any rule looks at, for `dispatcher.subscribe`: kinds that come later are in it too."""

    def __contains__(self, type: object) -> bool:
        return isinstance(type, str) and bool(rules_for(type))
