"""Worked cases of the SLA engine as a file holds them, and how they compare with what the engine says.

The format: a calendar (`tz`, `weekly` windows by day, `holidays`), a policy (minutes by target, and its options),
events with UTC instants, `as_of`, and what is `expected`: the due instants after each event, the final state of each
clock, the escalations. `flask sla check FILE` runs such a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from app.tickets.rules.business_time import SECOND, instant, micros
from app.tickets.rules.definitions import calendar_of, policy_of
from app.tickets.rules.sla import TARGETS, Happened, Track, evaluate

_CARRIED = ("to", "targets", "calendar", "status")


class BadCase(ValueError):
    """A case that cannot be read; says where."""


def differences(case: Mapping[str, Any]) -> list[str]:
    """What the engine says otherwise than the case expects, a sentence each; nothing if they agree.

    Raises:
        BadCase: the case cannot be read.
    """
    try:
        steps, track = run(case)
        return [*_timeline(case, steps), *_final(case, track), *_escalations(case, track)]
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError) as wrong:
        raise BadCase(f"{type(wrong).__name__}: {wrong}") from wrong


def run(case: Mapping[str, Any]) -> tuple[list[dict[str, str | None]], Track]:
    """The due instants after each event, and the clocks as they stand in the end."""
    steps: list[dict[str, str | None]] = []

    def note(event: Happened, track: Track) -> None:
        dues = {f"{name}_due": _due(track, name) for name in TARGETS}
        steps.append({"after": _written(event.at), **dues})

    track = evaluate(
        policy_of(case["policy"]),
        calendar_of(case["calendar"]),
        [_event(event) for event in case["events"]],
        _read(case["as_of"]),
        calendars={name: calendar_of(facts) for name, facts in case.get("calendars", {}).items()},
        after_each=note,
    )
    return steps, track


def _event(facts: Mapping[str, Any]) -> Happened:
    value = next((facts[name] for name in _CARRIED if name in facts), None)
    return Happened(_read(facts["at"]), facts["type"], value)


def _timeline(case: Mapping[str, Any], steps: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    expected = case["expected"]["timeline"]
    if len(expected) != len(steps):
        yield f"{len(expected)} steps were expected, there are {len(steps)}"
    for step, wanted in zip(steps, expected, strict=False):
        for name, value in wanted.items():
            if step.get(name) != value:
                yield f"after {wanted['after']}: {name} should be {value} and is {step.get(name)}"


def _final(case: Mapping[str, Any], track: Track) -> Iterator[str]:
    for name, wanted in case["expected"]["final"].items():
        state = _state(track, name, _read(case["as_of"]))
        for key, value in wanted.items():
            if state.get(key) != value:
                yield f"in the end: {name}.{key} should be {value} and is {state.get(key)}"


def _escalations(case: Mapping[str, Any], track: Track) -> Iterator[str]:
    wanted = case["expected"].get("escalations")
    if wanted is None:
        return
    happened = [
        {"level": level, "target": clock.name, "at": _written(at)}
        for clock in track.clocks
        for (what, level), at in clock.fired.items()
        if what == "escalation"
    ]
    if happened != wanted:
        yield f"escalations should be {wanted} and are {happened}"


def _state(track: Track, name: str, now: int) -> dict[str, Any]:
    clock = track.latest(name)
    if clock is None:
        return {}
    return {
        "due": _due(track, name),
        "met_at": _written(clock.met_at),
        "breached_at": _written(clock.breached_at),
        "paused": clock.paused,
        "cancelled": clock.cancelled_at is not None,
        "remaining_seconds": clock.remaining(now) // SECOND,
    }


def _due(track: Track, name: str) -> str | None:
    clock = track.latest(name)
    if clock is None:
        return None
    due = clock.due
    return f"ERROR:{clock.error}" if clock.error else _written(due)


def _read(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise BadCase(f"{text} does not say its zone")
    return micros(at)


def _written(at: int | None) -> str | None:
    return None if at is None else instant(at).strftime("%Y-%m-%dT%H:%M:%SZ")
