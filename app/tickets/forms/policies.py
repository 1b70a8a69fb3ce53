"""Input of a policy: what was typed, and the definition it makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.core.records.text import clean, split_tags
from app.tickets.rules.durations import read_duration, written_duration
from app.tickets.rules.lifecycle import CHANNELS, ON_HOLD, PENDING, PRIORITIES
from app.tickets.rules.promises import MOST_LEVELS, MOST_WARNINGS
from app.tickets.rules.sla import RESOLUTION, RESTART, RESUME, TARGETS

TARGET_LABELS = {
    "first_response": "First response",
    "next_response": "Next response",
    "resolution": "Resolution",
}
PAUSES = ((PENDING, "Pending (waiting for the customer)"), (ON_HOLD, "On hold"))
REOPENINGS = (
    (RESUME, "The clock goes on: the time it was resolved does not count"),
    (RESTART, "A new clock begins with the whole target"),
)
NAME_MAX = 60
_MOST_VALUES = 50
_LISTS = ("priority", "channel", "category", "pause_on", "pause_targets")
_TEXTS = ("name", "calendar_id", "customer", "tag", "reopen", "warn_percent", *TARGETS)
_LEVEL = ("after", "assign_to", "notify", "managers", "raise")


@dataclass(slots=True)
class PolicyForm:
    """`raw` is what was typed: texts, lists of what was ticked, and `levels`, the rows of escalations."""

    raw: dict[str, Any]
    version: int = 0
    calendar_id: UUID | None = None
    definition: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.raw["name"])


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen: calendars, categories and people as (id, name)."""

    calendars: Sequence[tuple[str, str]]
    categories: Sequence[tuple[str, str]]
    people: Sequence[tuple[str, str]]


def empty(choices: Choices) -> PolicyForm:
    """The form for a new policy."""
    first = choices.calendars[0][0] if choices.calendars else ""
    raw: dict[str, Any] = {
        **dict.fromkeys(_TEXTS, ""),
        **{name: [] for name in _LISTS},
        "calendar_id": first,
        "reopen": RESUME,
    }
    raw |= {"warn_percent": "50, 80", "pause_on": [PENDING], "pause_targets": [RESOLUTION], "levels": _padded([])}
    return PolicyForm(raw)


def filled(name: str, calendar_id: UUID, definition: Mapping[str, Any], version: int) -> PolicyForm:
    """The form as it first stands on the page."""
    conditions = definition.get("conditions", {})
    raw: dict[str, Any] = {
        "name": name,
        "calendar_id": str(calendar_id),
        "customer": ", ".join(conditions.get("customer", ())),
        "tag": ", ".join(conditions.get("tag", ())),
        "reopen": definition["reopen"],
        "warn_percent": ", ".join(map(str, definition["warn_percent"])),
        "pause_on": definition["pause_on"],
        "pause_targets": definition["pause_targets"],
        "levels": _padded([_written_level(level) for level in definition["escalations"]]),
    }
    raw |= {name: conditions.get(name, []) for name in ("priority", "channel", "category")}
    raw |= {name: written_duration(definition.get(name)) for name in TARGETS}
    return PolicyForm(raw, version)


def read(form: MultiDict[str, str], choices: Choices) -> PolicyForm:
    """Reads the whole form; nothing typed is lost."""
    raw: dict[str, Any] = {name: clean(form.get(name, ""))[:4000] for name in _TEXTS}
    raw["name"] = " ".join(raw["name"].split())
    raw |= {name: form.getlist(name)[:_MOST_VALUES] for name in _LISTS}
    raw["levels"] = [
        {name: form.get(f"level_{name}_{number}", "")[:100] for name in _LEVEL} for number in range(MOST_LEVELS)
    ]
    made = PolicyForm(raw)
    made.version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else 0
    if not 1 <= len(made.name) <= NAME_MAX:
        made.errors["name"] = f"Give the policy a name of at most {NAME_MAX} characters."
    made.calendar_id = _calendar(made, choices)
    made.definition = {
        "conditions": _conditions(made, choices),
        **_targets(made),
        "pause_on": _known(raw["pause_on"], dict(PAUSES)),
        "pause_targets": _known(raw["pause_targets"], TARGETS),
        "reopen": RESTART if raw["reopen"] == RESTART else RESUME,
        "warn_percent": _warnings(made),
        "escalations": _levels(made, choices),
    }
    return made


def _calendar(made: PolicyForm, choices: Choices) -> UUID | None:
    if made.raw["calendar_id"] in dict(choices.calendars):
        return UUID(made.raw["calendar_id"])
    made.errors["calendar_id"] = "Choose the calendar in whose open hours the time is counted."
    return None


def _conditions(made: PolicyForm, choices: Choices) -> dict[str, list[str]]:
    raw = made.raw
    customers = [" ".join(part.split()) for part in raw["customer"].replace("\n", ",").split(",") if part.strip()]
    if len(customers) > _MOST_VALUES:
        made.errors["customer"] = f"At most {_MOST_VALUES} customers. Use a tag for more."
    if any(len(one) > 200 for one in customers):
        made.errors["customer"] = "A customer's name has at most 200 characters. Put commas between several."
    found = {
        "priority": _known(raw["priority"], [value for value, _, _ in PRIORITIES]),
        "category": _known(raw["category"], dict(choices.categories)),
        "customer": customers,
        "channel": _known(raw["channel"], [value for value, _, _ in CHANNELS]),
        "tag": list(split_tags(raw["tag"]))[:_MOST_VALUES],
    }
    return {name: values for name, values in found.items() if values}


def _targets(made: PolicyForm) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for name, label in TARGET_LABELS.items():
        try:
            found[name] = read_duration(made.raw[name])
        except ValueError as wrong:
            made.errors[name] = f"{label}: {wrong}"
    if not made.errors.keys() & set(TARGETS) and not any(found.values()):
        made.errors["first_response"] = "Give at least one target; a policy without any promises nothing."
    return found


def _warnings(made: PolicyForm) -> list[int]:
    parts = [part.strip(" %") for part in made.raw["warn_percent"].replace(";", ",").split(",")]
    numbers = [part for part in parts if part]
    wrong = next((part for part in numbers if not (part.isdecimal() and len(part) < 4 and 1 <= int(part) <= 99)), None)
    if wrong is not None:
        made.errors["warn_percent"] = f"“{wrong[:20]}” is no percentage from 1 to 99. Write them like 50, 80."
        return []
    if len(set(numbers)) > MOST_WARNINGS:
        made.errors["warn_percent"] = f"At most {MOST_WARNINGS} warnings."
    return sorted({int(part) for part in numbers})


def _levels(made: PolicyForm, choices: Choices) -> list[dict[str, Any]]:
    found = []
    for number, row in enumerate(made.raw["levels"]):
        if not any(row.values()):
            continue
        try:
            found.append(_level(row, dict(choices.people)))
        except ValueError as wrong:
            made.errors[f"level_after_{number}"] = f"Escalation {number + 1}: {wrong}"
    return sorted(found, key=lambda level: level["after"])


def _level(row: Mapping[str, str], people: Collection[str]) -> dict[str, Any]:
    after = read_duration(row["after"], least=0)
    if after is None:
        raise ValueError("say how long after the breach; 0 min is at once.")
    for name in ("assign_to", "notify"):
        if row[name] and row[name] not in people:
            raise ValueError("choose somebody of the list.")
    if not any(row[name] for name in _LEVEL if name != "after"):
        raise ValueError("choose what is done then.")
    return {
        "after": after,
        "assign_to": row["assign_to"] or None,
        "notify": [row["notify"]] if row["notify"] else [],
        "notify_managers": bool(row["managers"]),
        "raise_priority": bool(row["raise"]),
    }


def _written_level(level: Mapping[str, Any]) -> dict[str, str]:
    return {
        "after": written_duration(level["after"]),
        "assign_to": level["assign_to"] or "",
        "notify": next(iter(level["notify"]), ""),
        "managers": "1" if level["notify_managers"] else "",
        "raise": "1" if level["raise_priority"] else "",
    }


def _padded(levels: list[dict[str, str]]) -> list[dict[str, str]]:
    return levels + [dict.fromkeys(_LEVEL, "") for _ in range(MOST_LEVELS - len(levels))]


def _known(values: Sequence[str], allowed: Collection[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value in allowed]
