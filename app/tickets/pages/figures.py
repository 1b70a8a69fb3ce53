"""The service figures: what was kept and what not, by all that may explain it; each number with the list it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from babel.dates import format_date

from app.core import people
from app.core.scope import Scope
from app.tickets.forms.policies import TARGET_LABELS
from app.tickets.queries import figures as queries
from app.tickets.queries import list_category_names
from app.tickets.queries.figures import Figure
from app.tickets.queries.policies import list_policies
from app.tickets.rules.figures import BREACHED, DECIDED, MET, Counted
from app.tickets.rules.lifecycle import PRIORITIES, PRIORITY_ORDER
from app.tickets.rules.sla import FIRST_RESPONSE, TARGETS

_LONGEST = timedelta(days=3 * 366)
_MONTHS_AT_FIRST = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """Which clock and which days, as the address says; `problem` is a sentence if it said something else."""

    clock: str
    first: date
    last: date
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A line of figures; the links are query strings of the list of tickets."""

    label: str
    figure: Figure
    met: Mapping[str, str]
    breached: Mapping[str, str]
    all: Mapping[str, str]
    clock: str = ""


@dataclass(frozen=True, slots=True)
class FigureTable:
    label: str
    heading: str
    rows: Sequence[FigureRow]
    more: bool = False


@dataclass(frozen=True, slots=True)
class FiguresView:
    asked: Asked
    totals: Sequence[FigureRow]
    tables: Sequence[FigureTable] = field(default_factory=tuple)


def read(scope: Scope, args: Mapping[str, str]) -> Asked:
    """What the address asks for; by default this month and the two before."""
    today = scope.now.astimezone(scope.zone_info).date()
    standard = Asked(FIRST_RESPONSE, _months_before(today, _MONTHS_AT_FIRST - 1), today)
    clock = args.get("clock", "")
    asked = replace(standard, clock=clock if clock in TARGETS else FIRST_RESPONSE)
    try:
        first = date.fromisoformat(args["from"]) if args.get("from") else standard.first
        last = date.fromisoformat(args["to"]) if args.get("to") else standard.last
    except ValueError:
        return replace(asked, problem="That is no date; these are the last three months.")
    if not date(1990, 1, 1) <= first <= last <= date(2200, 1, 1):
        return replace(asked, problem="The first day must come before the last; these are the last three months.")
    if last - first > _LONGEST:
        problem = "At most three years at once; these are the last three of them."
        return replace(asked, first=last - _LONGEST, last=last, problem=problem)
    return replace(asked, first=first, last=last)


def see(scope: Scope, asked: Asked) -> FiguresView:
    """All figures of these days."""
    counted = Counted(asked.clock, DECIDED, asked.first, asked.last)
    totals = []
    for clock, label in TARGET_LABELS.items():
        of_clock = replace(counted, clock=clock)
        totals.append(_row(label, queries.get_total(scope, of_clock), of_clock, clock=clock))
    return FiguresView(
        asked, totals, [*_by_field(scope, counted), _by_policy(scope, counted), _by_month(scope, counted)]
    )


def _by_field(scope: Scope, counted: Counted) -> list[FigureTable]:
    names: dict[str, Mapping[Any, str]] = {
        "priority": {value: label for value, label, _ in PRIORITIES},
        "category_id": {one.id: one.name for one in list_category_names(scope)},
        "owner_id": people.names_of(scope),
        "customer": {},
    }
    headings = {"priority": "Priority", "category_id": "Category", "owner_id": "Agent", "customer": "Customer"}
    tables = []
    for name, heading in headings.items():
        found = list(queries.list_by(scope, counted, name))
        if name == "priority":
            found.sort(key=lambda figure: -PRIORITY_ORDER[figure.value])
        key = "customer_is" if name == "customer" else name
        rows = [
            _row(_label(figure.value, names[name]), figure, counted, **{key: _asked_for(name, figure.value)})
            for figure in found
        ]
        tables.append(FigureTable(f"By {heading.lower()}", heading, rows, len(found) == queries.MOST))
    return tables


def _by_policy(scope: Scope, counted: Counted) -> FigureTable:
    names = {policy.id: policy.name for policy in list_policies(scope, archived=True)}
    rows = [
        _row(_label(figure.value, names), figure, replace(counted, policy_id=figure.value))
        for figure in queries.list_by_policy(scope, counted)
    ]
    return FigureTable("By policy", "Policy", rows, len(rows) == queries.MOST)


def _by_month(scope: Scope, counted: Counted) -> FigureTable:
    rows = []
    for figure in queries.list_by_month(scope, counted):
        last = _months_before(figure.value, -1) - timedelta(days=1)
        within = replace(counted, first=max(figure.value, counted.first), last=min(last, counted.last))
        rows.append(_row(format_date(figure.value, "LLLL yyyy", locale="en"), figure, within))
    return FigureTable("By month", "Month", rows)


def _row(label: str, figure: Figure, counted: Counted, *, clock: str = "", **more: str) -> FigureRow:
    met, breached, both = (
        {"sla": replace(counted, verdict=verdict).text, **more} for verdict in (MET, BREACHED, DECIDED)
    )
    return FigureRow(label, figure, met, breached, both, clock)


def _label(value: Any, names: Mapping[Any, str]) -> str:
    if value is None:
        return "none"
    return names.get(value) or str(value)


def _asked_for(name: str, value: Any) -> str:
    if value is None:
        return "none"
    return f"={value}" if name == "customer" else str(value)


def _months_before(day: date, months: int) -> date:
    """The first of the month so many months before."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)
