"""The clocks of a ticket: (policy, calendar, what happened, now) → what is due when, and why.

Pure and exact: the same history gives the same answer whoever asks and whenever. Nothing here knows of sweeps; a
breach happened at its due instant, also if nobody looked. Times are microseconds since 1970 (`business_time.micros`).
The rules are those of the service desk's SLA semantics; each is named where it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.tickets.rules.business_time import Calendar
from app.tickets.rules.clock import (
    DONE,
    FIRST_RESPONSE,
    NEXT_RESPONSE,
    RESOLUTION,
    RESTART,
    RESUME,
    TARGETS,
    Clock,
    Happened,
    Interval,
    Policy,
)

__all__ = [
    "DONE",
    "FIRST_RESPONSE",
    "HANDLERS",
    "NEXT_RESPONSE",
    "RESOLUTION",
    "RESTART",
    "RESUME",
    "TARGETS",
    "Clock",
    "Happened",
    "Interval",
    "Policy",
    "Track",
    "evaluate",
]


@dataclass(slots=True)
class Track:
    """A ticket's clocks while its history is told, and in the end what there is to know of them."""

    policy: Policy
    calendar: Calendar
    calendars: Mapping[str, Calendar]
    status: str = "new"
    answered: bool = False
    waiting: bool = False
    ended_by: set[str] = field(default_factory=set)
    clocks: list[Clock] = field(default_factory=list)

    @property
    def disabled(self) -> bool:
        """Whether its clocks were ended without a verdict, and nothing has taken that back."""
        return bool(self.ended_by)

    def latest(self, name: str) -> Clock | None:
        """The newest clock of this name."""
        return next((clock for clock in reversed(self.clocks) if clock.name == name), None)

    def due(self, name: str) -> int | None:
        clock = self.latest(name)
        return clock.due if clock else None

    def open(self) -> Iterable[Clock]:
        return (clock for clock in self.clocks if not clock.over)


def evaluate(
    policy: Policy,
    calendar: Calendar,
    history: Iterable[Happened],
    now: int,
    *,
    calendars: Mapping[str, Calendar] | None = None,
    after_each: Callable[[Happened, Track], None] | None = None,
) -> Track:
    """The clocks of a ticket with this history, as they stand at `now`. `after_each` is told of every step.

    `history` is in order of time and begins with `created`; what is later than `now` is not looked at.
    """
    track = Track(policy, calendar, calendars or {})
    for event in history:
        if event.at > now:
            break
        _look(track, event.at)
        HANDLERS.get(event.what, _nothing)(track, event)
        if after_each:
            after_each(event, track)
    # What is due at this very instant may still be met at it.
    _look(track, now)
    return track


def _look(track: Track, until: int) -> None:
    for clock in track.clocks:
        if clock.met_at is None and clock.cancelled_at is None and clock.target:
            clock.look(until, track.policy)


def _created(track: Track, event: Happened) -> None:
    track.status = event.value or track.status
    for name in (FIRST_RESPONSE, RESOLUTION):
        _begin(track, name, event.at)


def _begin(track: Track, name: str, at: int, because: str = "created") -> Clock:
    clock = Clock(name, track.policy.targets.get(name), track.calendar, at, changed_at=at)
    track.clocks.append(clock)
    if not _is_paused(track, name):
        clock.start(at, because)
    return clock


def _is_paused(track: Track, name: str) -> bool:
    """Rule 7: the clocks the policy names stand still in the statuses it names."""
    return name in track.policy.pause_targets and track.status in track.policy.pause_on


def _public_reply(track: Track, event: Happened) -> None:
    """Rules 8 and 9: a person's public reply answers, and nothing else does."""
    for clock in list(track.open()):
        if clock.name in (FIRST_RESPONSE, NEXT_RESPONSE):
            _meet(clock, event.at)
    track.answered, track.waiting = True, False


def _customer_message(track: Track, event: Happened) -> None:
    """Rule 9: the first message after an answer starts the next clock, further ones do not move it."""
    if track.answered and not track.waiting and not track.disabled:
        _begin(track, NEXT_RESPONSE, event.at, "customer wrote")
        track.waiting = True


def _meet(clock: Clock, at: int) -> None:
    clock.stop(at)
    clock.met_at = at


def _status(track: Track, event: Happened) -> None:
    before, track.status = track.status, str(event.value)
    if track.disabled:
        return
    resolution = track.latest(RESOLUTION)
    if track.status in DONE and before not in DONE:
        if resolution and not resolution.over:
            _meet(resolution, event.at)
    elif before in DONE and track.status not in DONE and resolution:
        _reopen(track, resolution, event.at)
    _heed_pauses(track, event.at)


def _heed_pauses(track: Track, at: int) -> None:
    for clock in track.open():
        if _is_paused(track, clock.name):
            clock.stop(at)
        elif not clock.running:
            clock.start(at, "resumed")


def _reopen(track: Track, clock: Clock, at: int) -> None:
    """Rule 10: by default the clock goes on and the time it was resolved does not count, else a new one begins."""
    if track.policy.reopen == RESTART:
        _begin(track, RESOLUTION, at, "reopened")
    else:
        clock.met_at = None
        _take_up(track, clock, at)
        # Nothing after its end can have come to pass before it ran again.
        clock.changed_at = max(clock.changed_at, at) if clock.breached_at is None else clock.changed_at
        if not _is_paused(track, RESOLUTION):
            clock.start(at, "reopened")


def _take_up(track: Track, clock: Clock, at: int) -> None:
    """What was changed while the clock was over holds for it from now on; what it has used stays used."""
    target = track.policy.targets.get(clock.name)
    if clock.target != target or clock.calendar is not track.calendar:
        clock.target, clock.calendar, clock.changed_at = target, track.calendar, at


def _targets(track: Track, event: Happened) -> None:
    """Rule 11: a new target keeps the start and the pauses."""
    track.policy = _with_targets(track.policy, {**track.policy.targets, **event.value})
    for clock in track.open():
        if clock.name in event.value and clock.target != event.value[clock.name]:
            clock.target, clock.changed_at = event.value[clock.name], event.at


def _with_targets(policy: Policy, targets: Mapping[str, int | None]) -> Policy:
    return Policy(
        targets, policy.pause_on, policy.pause_targets, policy.reopen, policy.warn_percent, policy.escalations
    )


def _transfer(track: Track, event: Happened) -> None:
    """Rule 11: what was used under the old calendar stays used, the rest runs under the new one."""
    track.calendar = track.calendars[event.value]
    for clock in track.open():
        was_running = clock.running
        clock.stop(event.at)
        clock.calendar, clock.changed_at = track.calendar, event.at
        if was_running:
            clock.start(event.at, "transferred")


def _calendar_change(track: Track, event: Happened) -> None:
    """Rule 11: a calendar that was put right is right for the whole history it was used in."""
    old, track.calendar = track.calendar, track.calendars[event.value]
    for clock in track.open():
        clock.changed_at = event.at
        clock.calendar = track.calendar if clock.calendar is old else clock.calendar
        for one in clock.ledger:
            if one.calendar is old:
                one.calendar = track.calendar


def _policy(track: Track, event: Happened) -> None:
    """Rule 11: under another policy, or another version of it, a clock keeps its start and its pauses.

    The value is a policy and its calendar. Where nothing was promised before, the new calendar counts from the start.
    """
    promised, (policy, calendar) = any(track.policy.targets.values()), event.value
    track.policy = policy
    _revive(track, "policy_disabled", event.at)
    for clock in track.open():
        clock.target, clock.changed_at = policy.targets.get(clock.name), event.at
    if calendar is not track.calendar:
        track.calendars = {**track.calendars, "": calendar}
        (_transfer if promised else _calendar_change)(track, Happened(event.at, event.what, ""))
    _heed_pauses(track, event.at)


def _end(track: Track, event: Happened) -> None:
    """Rule 12: a merge, or a policy switched off, ends clocks without a breach. So does deleting the ticket."""
    for clock in track.open():
        clock.stop(event.at)
        clock.cancelled_at = event.at
    track.ended_by.add(event.what)


def _taken_back(track: Track, event: Happened) -> None:
    """A merge undone or a ticket restored goes on where it stopped: the time in between does not count."""
    _revive(track, {"unmerge": "merge", "restored": "deleted"}[event.what], event.at)
    _heed_pauses(track, event.at)


def _revive(track: Track, ended_by: str, at: int) -> None:
    if ended_by not in track.ended_by:
        return
    track.ended_by.discard(ended_by)
    if track.disabled:
        return
    over = {FIRST_RESPONSE, NEXT_RESPONSE} if track.answered and not track.waiting else set()
    over |= {RESOLUTION} if track.status in DONE else set()
    for clock in track.clocks:
        if clock.cancelled_at is not None and clock.name not in over:
            clock.cancelled_at, clock.changed_at = None, at
            _take_up(track, clock, at)


def _nothing(track: Track, event: Happened) -> None:
    """Notes, automatic replies and the like move no clock (rule 8)."""


HANDLERS: Mapping[str, Callable[[Track, Happened], None]] = {
    "created": _created,
    "agent_public_reply": _public_reply,
    "agent_internal_note": _nothing,
    "auto_reply": _nothing,
    "customer_message": _customer_message,
    "status": _status,
    "priority": _targets,
    "transfer": _transfer,
    "calendar_change": _calendar_change,
    "policy": _policy,
    "merge": _end,
    "unmerge": _taken_back,
    "deleted": _end,
    "restored": _taken_back,
    "policy_disabled": _end,
}
