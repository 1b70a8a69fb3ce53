"""Service levels to begin with: one click where there are none."""

from __future__ import annotations

from typing import Any

from app.core.errors import Invalid
from app.core.scope import Scope
from app.tickets.actions.calendars import create_calendar
from app.tickets.actions.policies import create_policy
from app.tickets.queries.calendars import list_calendars
from app.tickets.queries.policies import list_policies
from app.tickets.rules.definitions import DAYS
from app.tickets.rules.sla import RESOLUTION, RESUME

_WEEKDAYS = DAYS[:5]
_HOUR = 60
# The more urgent, the sooner. Minutes for the first response, the next, and the resolution.
_TARGETS: tuple[tuple[str, list[str], int, int, int], ...] = (
    ("Urgent tickets", ["urgent"], 1 * _HOUR, 2 * _HOUR, 8 * _HOUR),
    ("High priority", ["high"], 2 * _HOUR, 4 * _HOUR, 16 * _HOUR),
    ("Everything else", [], 8 * _HOUR, 8 * _HOUR, 40 * _HOUR),
)


def working_week(scope: Scope) -> dict[str, Any]:
    """Monday to Friday, nine to five, in the organisation's zone; public holidays are for the person to choose."""
    weekly: dict[str, list[list[str]]] = {day: [["09:00", "17:00"]] if day in _WEEKDAYS else [] for day in DAYS}
    return {"tz": scope.zone, "weekly": weekly, "holidays": []}


def start(scope: Scope) -> int:
    """A calendar and three policies by priority; returns how many policies. Raises Invalid: there are some already."""
    if list_policies(scope):
        raise Invalid({"": "There are service levels already."})
    calendars = list_calendars(scope)
    calendar_id = calendars[0].id if calendars else create_calendar(scope, "Working hours", working_week(scope))
    for name, priorities, first, following, resolution in _TARGETS:
        create_policy(scope, name, calendar_id, standard_definition(priorities, first, following, resolution))
    return len(_TARGETS)


def standard_definition(priorities: list[str], first: int, following: int, resolution: int) -> dict[str, Any]:
    return {
        "conditions": {"priority": priorities} if priorities else {},
        "first_response": first,
        "next_response": following,
        "resolution": resolution,
        "pause_on": ["pending"],
        "pause_targets": [RESOLUTION],
        "reopen": RESUME,
        "warn_percent": [50, 80],
        "escalations": [
            {"after": 0, "assign_to": None, "notify": [], "notify_managers": True, "raise_priority": False}
        ],
    }
