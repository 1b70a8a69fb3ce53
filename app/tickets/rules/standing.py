"""How a ticket stands by its clocks: what lists sort and filter by."""

from __future__ import annotations

from dataclasses import dataclass

from app.tickets.rules.sla import FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION, Clock, Policy, Track

WARNING, BREACH, ESCALATION = "warning", "breach", "escalation"


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket's due instants (microseconds; None while nothing is due), and its state in one word."""

    state: str
    due: int | None
    first_response: int | None
    next_response: int | None
    resolution: int | None


@dataclass(frozen=True, slots=True, order=True)
class Fired:
    """Something came to pass at `at`: a warning (`level` is its percent), a breach (0), or an escalation's level."""

    at: int
    name: str
    ordinal: int
    what: str
    level: int = 0

    @property
    def key(self) -> str:
        return f"{self.what}:{self.level}"


def numbered(track: Track) -> list[tuple[int, Clock]]:
    """The clocks with their place among those of the same name, from 1."""
    seen: dict[str, int] = {}
    found = []
    for clock in track.clocks:
        seen[clock.name] = seen.get(clock.name, 0) + 1
        found.append((seen[clock.name], clock))
    return found


def standing(track: Track) -> Standing:
    dues = {name: track.due(name) for name in (FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION)}
    running = [due for due in dues.values() if due is not None]
    return Standing(
        _state(track),
        min(running, default=None),
        dues[FIRST_RESPONSE],
        dues[NEXT_RESPONSE],
        dues[RESOLUTION],
    )


def _state(track: Track) -> str:
    """What is still to be kept decides; when nothing is, whether all was kept."""
    promised = [clock for clock in track.clocks if clock.promises and clock.cancelled_at is None]
    ahead = [clock for clock in promised if not clock.over]
    if any(clock.breached_at is not None for clock in ahead or promised):
        return "breached"
    if not ahead:
        return "met" if promised else "none"
    if any(clock.fired and clock.running for clock in ahead):
        return "due_soon"
    return "running" if any(clock.running for clock in ahead) else "paused"


def fired_by(clock: Clock, ordinal: int) -> list[Fired]:
    """All that came to pass with this clock, in order."""
    found = [Fired(at, clock.name, ordinal, what, level) for (what, level), at in clock.fired.items()]
    if clock.breached_at is not None:
        found.append(Fired(clock.breached_at, clock.name, ordinal, BREACH))
    return sorted(found)


def next_instant(track: Track, policy: Policy) -> int | None:
    """When the next thing comes to pass with any of the clocks."""
    return min((at for clock in track.clocks if (at := clock.next(policy)) is not None), default=None)
