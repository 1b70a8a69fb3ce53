"""What the page of the service desk's settings shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import Conflict
from app.core.scope import Scope
from app.tickets import queries
from app.tickets.forms import desk as forms
from app.tickets.forms.desk import SETTINGS, DeskForm
from app.tickets.rules.settings import stored_settings


@dataclass(frozen=True, slots=True)
class Line:
    """One setting on the page. `type` is the sort of field it has."""

    name: str
    label: str
    help: str
    type: str
    value: str
    error: str | None
    options: tuple[tuple[str, str], ...]


def stored(scope: Scope) -> tuple[dict[str, Any], int]:
    """The settings as they are, and their version: 0 before any was changed."""
    row = queries.get_desk_row(scope)
    return stored_settings(queries.get_desk_settings(scope)), row.version if row else 0


def groups(form: DeskForm) -> dict[str, list[Line]]:
    """The settings by group, in their order."""
    found: dict[str, list[Line]] = {}
    for name, spec in SETTINGS.items():
        told, bounds = spec.metadata, forms.bounds(name)
        help = f"{told['line']} {bounds[0].upper()}{bounds[1:]}." if bounds else told["line"]
        found.setdefault(told["group"], []).append(
            Line(
                name,
                told["label"],
                help,
                _type(spec.default, told),
                form.raw[name],
                form.errors.get(name),
                told["options"],
            )
        )
    return found


def conflict_rows(conflict: Conflict) -> list[dict[str, str]]:
    """Both versions of what two people changed."""
    return [
        {
            "name": name,
            "label": SETTINGS[name].metadata["label"],
            "mine": forms.shown(name, conflict.mine[name]),
            "mine_value": forms.written(conflict.mine[name]),
            "theirs": forms.shown(name, conflict.theirs[name]),
        }
        for name in SETTINGS
        if name in conflict.theirs
    ]


def conflict_fields(scope: Scope, conflict: Conflict) -> dict[str, str]:
    """What only one of them changed goes along: mine where I changed it, else as it is now."""
    settings, version = stored(scope)
    merged = {**settings, **conflict.mine}
    kept = {name: forms.written(merged[name]) for name in SETTINGS if name not in conflict.theirs}
    return {**kept, "version": str(version)}


def in_words(data: Mapping[str, Any]) -> str:
    """What a change of the settings says in the log."""
    changes = data.get("changes") or {}
    lines = [
        f"{spec.metadata['label']}: {forms.shown(name, changes[name][0])} → {forms.shown(name, changes[name][1])}"
        for name, spec in SETTINGS.items()
        if name in changes
    ]
    return f"changed the service desk's settings: {'; '.join(lines)}"


def _type(default: Any, told: Mapping[str, Any]) -> str:
    if isinstance(default, bool):
        return "checkbox"
    if told["options"]:
        return "radio"
    if isinstance(default, str):
        return "text"
    return "integer" if isinstance(default, int) else "decimal"
