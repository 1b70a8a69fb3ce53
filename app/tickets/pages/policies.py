"""A policy in words, and what its form can choose from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts.queries import list_users
from app.core.scope import Scope
from app.tickets.forms.policies import PAUSES, TARGET_LABELS, Choices
from app.tickets.queries import list_category_names
from app.tickets.queries.calendars import list_calendars
from app.tickets.rules.durations import written_duration
from app.tickets.rules.lifecycle import CHANNELS, PRIORITIES

_PRIORITIES = {value: label for value, label, _ in PRIORITIES}
_CHANNELS = {value: label for value, label, _ in CHANNELS}


def choices(scope: Scope) -> Choices:
    """What a policy can be made of."""
    return Choices(
        calendars=[(str(one.id), one.name) for one in list_calendars(scope)],
        categories=[(str(one.id), one.name) for one in list_category_names(scope)],
        people=[(str(person.id), person.name) for person in list_users(scope)],
    )


def conditions_line(definition: Mapping[str, Any], categories: Mapping[str, str]) -> str:
    """`priority urgent or high, category Billing`; every ticket if there are none."""
    labels = {"priority": _PRIORITIES, "channel": _CHANNELS, "category": categories}
    parts = [
        f"{name} {' or '.join(labels.get(name, {}).get(value, value) for value in values)}"
        for name, values in definition.get("conditions", {}).items()
    ]
    return ", ".join(parts) or "every ticket"


def targets_line(definition: Mapping[str, Any]) -> str:
    """`First response 1 h · Resolution 8 h`."""
    return " · ".join(
        f"{label} {written_duration(definition[name])}" for name, label in TARGET_LABELS.items() if definition.get(name)
    )


def options() -> dict[str, Any]:
    """What is the same for every policy's form."""
    return {
        "priorities": [(value, label) for value, label, _ in PRIORITIES],
        "channels": [(value, label) for value, label, _ in CHANNELS],
        "pauses": PAUSES,
        "targets": TARGET_LABELS,
    }
