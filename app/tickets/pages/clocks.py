"""The clocks of a ticket as its page shows them, and the ledger that says why something is due when it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.errors import NotFound
from app.core.scope import Scope
from app.core.templating import local_time
from app.tickets.models import SlaHappening
from app.tickets.pages.calendars import closures_on
from app.tickets.queries import clocks as queries
from app.tickets.queries.calendars import get_calendar, get_calendar_definition
from app.tickets.queries.policies import list_policies
from app.tickets.rules.business_time import MINUTE, Calendar, instant, micros
from app.tickets.rules.durations import written_duration
from app.tickets.rules.ledger import CLOSED, COUNTED, LedgerLine, lines_of
from app.tickets.rules.lifecycle import STATUSES
from app.tickets.rules.promises import engine_policy
from app.tickets.rules.sla import Clock, Policy, Track
from app.tickets.rules.standing import numbered

LABELS = {"first_response": "First response", "next_response": "Next response", "resolution": "Resolution"}
_STATUSES = {value: label.lower() for value, label, _ in STATUSES}
_ENDS = {"merge": "merged", "policy_disabled": "policy switched off", "deleted": "deleted"}
_MOST_DAYS_NAMED = 5


@dataclass(frozen=True, slots=True)
class ClockView:
    """One clock: `state` is running, due_soon, overdue, paused, met, late or ended; `at` the instant that matters.

    `warns_at` is when it turns to due soon by itself. `left` is the open time left, in words.
    """

    name: str
    label: str
    state: str
    tone: str
    at: datetime | None
    target: str
    left: str = ""
    warns_at: datetime | None = None
    number: int = 1

    @property
    def counts(self) -> bool:
        return self.state in ("running", "due_soon", "overdue")


@dataclass(frozen=True, slots=True)
class ClocksView:
    """The clocks to be kept, soonest due first, then those that are over; `policy` is what promised them."""

    now: datetime
    policy: str = ""
    policy_id: UUID | None = None
    clocks: tuple[ClockView, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryLine:
    """A line of the ledger in words: `kind` counted, closed or stopped; times on the wall of the calendar's zone."""

    kind: str
    text: str
    why: str
    length: str = ""
    used: str = ""


@dataclass(frozen=True, slots=True)
class ClockStory:
    """A clock and its ledger. `result` says in a sentence what came of it."""

    view: ClockView
    calendar: str
    zone: str
    result: str
    lines: tuple[StoryLine, ...]
    fired: tuple[str, ...]
    left_out: int = 0


def see_clocks(scope: Scope, ticket_id: UUID) -> ClocksView:
    """The clocks as they stand now, told from the ticket's history."""
    history = queries.get_history(scope, ticket_id)
    if not history:
        return ClocksView(scope.now)
    track, terms = queries.get_track(scope, history, scope.now), queries.get_terms(history)
    name = next((one.name for one in list_policies(scope, archived=True) if one.id == terms.policy_id), "")
    views = _views(scope, track, terms)
    # What is due next stands first; what does not count any more keeps its order below.
    views.sort(key=lambda view: (not view.counts, view.at if view.counts and view.at else scope.now))
    return ClocksView(scope.now, name, terms.policy_id, tuple(views))


def tell_story(scope: Scope, ticket_id: UUID) -> list[ClockStory]:
    """Every clock with its ledger, the newest of each name last."""
    history = queries.get_history(scope, ticket_id)
    if not history:
        return []
    track, terms = queries.get_track(scope, history, scope.now), queries.get_terms(history)
    books, stops = _books(scope, history), _stops(history)
    policy = engine_policy(queries.promise_of(scope, terms))
    return [
        _story(scope, clock, _view(scope, clock, ordinal, policy), books, stops)
        for ordinal, clock in numbered(track)
        if clock.promises
    ]


def _views(scope: Scope, track: Track, terms: queries.Terms) -> list[ClockView]:
    policy = engine_policy(queries.promise_of(scope, terms))
    newest = {clock.name: (ordinal, clock) for ordinal, clock in numbered(track)}
    return [_view(scope, clock, ordinal, policy) for ordinal, clock in newest.values() if clock.promises]


def _view(scope: Scope, clock: Clock, ordinal: int, policy: Policy) -> ClockView:
    now = micros(scope.now)
    view = ClockView(clock.name, LABELS[clock.name], "", "", None, written_duration(clock.target), number=ordinal)
    left = written_duration(-(-clock.remaining(now) // MINUTE)) or "0 min"
    if clock.cancelled_at is not None:
        return replace(view, state="ended", tone="neutral", at=instant(clock.cancelled_at))
    if clock.met_at is not None and clock.breached_at is not None:
        return replace(view, state="late", tone="danger", at=instant(clock.met_at))
    if clock.met_at is not None:
        return replace(view, state="met", tone="success", at=instant(clock.met_at))
    if clock.breached_at is not None:
        return replace(view, state="overdue", tone="danger", at=instant(clock.breached_at))
    if clock.due is None:
        return replace(view, state="paused", tone="info", left=left)
    if any(what == "warning" for what, _ in clock.fired):
        return replace(view, state="due_soon", tone="warning", at=instant(clock.due), left=left)
    coming = clock.next(policy)
    warns = instant(coming) if coming is not None and coming < clock.due else None
    return replace(view, state="running", tone="success", at=instant(clock.due), left=left, warns_at=warns)


def _story(
    scope: Scope,
    clock: Clock,
    view: ClockView,
    books: Mapping[int, tuple[str, Mapping[str, Any]]],
    stops: Mapping[int, str],
) -> ClockStory:
    found = lines_of(clock, micros(scope.now))
    name, _ = books.get(id(clock.calendar), ("always open", {}))
    shown = found if len(found) <= 120 else [*found[:60], *found[-60:]]
    return ClockStory(
        view=view,
        calendar=name,
        zone=str(clock.calendar.zone),
        result=_result(scope, clock, view),
        lines=tuple(_line(scope, line, books, stops) for line in shown),
        fired=tuple(_fired(scope, clock)),
        left_out=len(found) - len(shown),
    )


def _line(
    scope: Scope, line: LedgerLine, books: Mapping[int, tuple[str, Mapping[str, Any]]], stops: Mapping[int, str]
) -> StoryLine:
    start, end = (instant(at).astimezone(line.calendar.zone) for at in (line.start, line.end))
    same = start.date() == end.date()
    text = f"{start:%a %d %b %H:%M} – {end:%H:%M}" if same else f"{start:%a %d %b %H:%M} – {end:%a %d %b %H:%M}"
    used = written_duration(line.used // MINUTE)
    if line.kind == COUNTED:
        return StoryLine(COUNTED, text, line.because, written_duration((line.end - line.start) // MINUTE), used)
    if line.kind == CLOSED:
        _, definition = books.get(id(line.calendar), ("", {}))
        return StoryLine(CLOSED, text, _closed(definition, start.date(), end.date()), used=used)
    return StoryLine(line.kind, text, stops.get(line.start, "it stood still"), used=used)


def _closed(definition: Mapping[str, Any], first: date, last: date) -> str:
    """Closed, with the holidays in between by their names."""
    if not definition:
        return "closed"
    days = (first + timedelta(days=offset) for offset in range(min((last - first).days + 1, 60)))
    named = dict.fromkeys(name for day in days for name in closures_on(definition, day))
    some = list(named)[:_MOST_DAYS_NAMED]
    return f"closed ({', '.join(some)})" if some else "closed"


def _result(scope: Scope, clock: Clock, view: ClockView) -> str:
    at = local_time(view.at, scope, "medium")
    match view.state:
        case "running" | "due_soon":
            return f"Due {at}, when {view.target} of open time are used. {view.left} are left."
        case "overdue":
            return f"Was due {at}, when {view.target} of open time were used."
        case "paused":
            return f"It stands still with {view.left} of {view.target} left, so nothing is due."
        case "met":
            return f"Kept {at}."
        case "late":
            was = local_time(instant(clock.breached_at or 0), scope, "medium")
            return f"Kept late, {at}; it was due {was}."
        case _:
            return f"Ended {at} without a verdict."


def _fired(scope: Scope, clock: Clock) -> list[str]:
    words = {"warning": "{level} % used", "escalation": "escalation {level}"}
    found = sorted((at, words[what].format(level=level)) for (what, level), at in clock.fired.items())
    return [f"{text}: {local_time(instant(at), scope, 'medium')}" for at, text in found]


def _books(scope: Scope, history: Sequence[SlaHappening]) -> dict[int, tuple[str, Mapping[str, Any]]]:
    """Of each calendar that was in force, its name and definition."""
    found: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for place in range(1, len(history) + 1):
        if history[place - 1].what not in ("created", "policy", "calendar_change"):
            continue
        terms = queries.get_terms(history[:place])
        if terms.calendar_id is None:
            continue
        made: Calendar = queries.get_calendar_in_force(scope, terms)
        try:
            name = get_calendar(scope, terms.calendar_id).name
        except NotFound:
            name = ""
        found[id(made)] = (name, get_calendar_definition(scope, terms.calendar_id, terms.calendar_number))
    return found


def _stops(history: Sequence[SlaHappening]) -> dict[int, str]:
    """Why a clock stopped at an instant."""
    found: dict[int, str] = {}
    for row in history:
        if row.what == "status":
            found[micros(row.at)] = f"stood still while {_STATUSES.get(str(row.value), row.value)}"
        elif row.what in _ENDS:
            found[micros(row.at)] = _ENDS[row.what]
    return found
