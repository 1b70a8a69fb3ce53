"""The clocks of a ticket: (policy, calendar, what happened, now) → what is due when, and why.

Pure and exact: the same history gives the same answer whoever asks and whenever. Nothing here knows of sweeps; a
breach happened at its due instant, also if nobody looked. Times are microseconds since 1970 (`business_time.micros`).
The rules are those of the service desk's SLA semantics; each is named where it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.tickets.rules.business_time import MINUTE, Calendar, NoOpenTime

FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION = "first_response", "next_response", "resolution"
TARGETS = (FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION)
DONE = frozenset({"resolved", "closed"})
RESUME, RESTART = "resume", "restart"


@dataclass(frozen=True, slots=True)
class Policy:
    """What was promised. `targets` in business minutes; none or 0 promises nothing.

    `warn_percent` are shares of a target's time, `escalations` business minutes after a breach, one a level.
    """

    targets: Mapping[str, int | None]
    pause_on: frozenset[str] = frozenset({"pending"})
    pause_targets: frozenset[str] = frozenset({RESOLUTION})
    reopen: str = RESUME
    warn_percent: Sequence[int] = ()
    escalations: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a ticket's history; `what` is one of `HANDLERS`, `value` what it carries."""

    at: int
    what: str
    value: Any = None


@dataclass(slots=True)
class Interval:
    """A stretch in which a clock ran: the ledger that answers "why is this due then?"."""

    calendar: Calendar
    start: int
    end: int | None = None
    because: str = "created"


@dataclass(slots=True)
class Clock:
    """One promise to one ticket: how far it is, and whether it was kept.

    `ledger` are the stretches in which it ran. Breaches are never taken back. `due` is None while it is paused
    or over; `error` says why nothing can be due.
    """

    name: str
    target: int | None
    calendar: Calendar
    started_at: int
    ledger: list[Interval] = field(default_factory=list)
    met_at: int | None = None
    breached_at: int | None = None
    cancelled_at: int | None = None
    changed_at: int = 0
    fired: dict[tuple[str, int], int] = field(default_factory=dict)
    error: str | None = None

    @property
    def promises(self) -> bool:
        return bool(self.target)

    @property
    def over(self) -> bool:
        return self.met_at is not None or self.cancelled_at is not None

    @property
    def paused(self) -> bool:
        return not self.over and not self.running

    @property
    def running(self) -> bool:
        return bool(self.ledger) and self.ledger[-1].end is None

    @property
    def due(self) -> int | None:
        """When it is due as things stand; None while it is paused, over, or promises nothing."""
        return self.instant_of(self.target * MINUTE) if self.target and self.running and not self.over else None

    def used(self, at: int) -> int:
        """Business microseconds used until `at`."""
        return sum(one.calendar.used(one.start, min(at, one.end or at)) for one in self.ledger if one.start < at)

    def remaining(self, at: int) -> int:
        return max(0, (self.target or 0) * MINUTE - self.used(at))

    def instant_of(self, wanted: int) -> int | None:
        """When `wanted` microseconds will have been, or were, used. None if it stands still before that."""
        used = 0
        for one in self.ledger:
            if one.end is not None:
                here = one.calendar.used(one.start, one.end)
                if used + here < wanted:
                    used += here
                    continue
            try:
                return one.calendar.after(one.start, wanted - used)
            except NoOpenTime:
                self.error = "no_open_time"
                return None
        return None

    def start(self, at: int, because: str) -> None:
        if not self.running:
            self.ledger.append(Interval(self.calendar, at, because=because))

    def stop(self, at: int) -> None:
        if self.running:
            self.ledger[-1].end = at

    def look(self, until: int, policy: Policy) -> None:
        """Writes down what came to pass by `until`, before whatever happens then: warnings, breach, escalations.

        Met at the due instant is met, so a breach needs the instant to have passed. After a change of target or
        calendar nothing happened earlier than the change.
        """
        if self.over or not self.target:
            return
        total, spent = self.target * MINUTE, self.used(until)
        if self.breached_at is None:
            for percent in policy.warn_percent:
                if spent * 100 >= total * percent:
                    self._fire(("warning", percent), total * percent // 100, until)
            if spent >= total:
                self.breached_at = self._passed(total, until)
        if self.breached_at is not None and policy.escalations:
            spent = self.used(self.breached_at)
            for level, minutes in enumerate(policy.escalations, start=1):
                self._fire(("escalation", level), spent + minutes * MINUTE, until, earliest=self.breached_at)

    def _passed(self, wanted: int, until: int) -> int | None:
        """The instant, not before the last change, at which so much was used, if it is before `until`."""
        when = self.instant_of(wanted)
        if when is None:
            return None
        when = max(when, self.changed_at)
        return when if when < until and self._ran_by(when) else None

    def _ran_by(self, when: int) -> bool:
        """A clock that stands still comes to nothing: what a change made overdue waits until it runs again."""
        return any(one.start <= when <= (one.end if one.end is not None else when) for one in self.ledger)

    def _fire(self, what: tuple[str, int], wanted: int, until: int, *, earliest: int = 0) -> None:
        if what in self.fired:
            return
        when = self.instant_of(wanted)
        if when is not None and (when := max(when, earliest, self.changed_at)) < until:
            self.fired[what] = when


@dataclass(slots=True)
class Track:
    """A ticket's clocks while its history is told, and in the end what there is to know of them."""

    policy: Policy
    calendar: Calendar
    calendars: Mapping[str, Calendar]
    status: str = "new"
    answered: bool = False
    waiting: bool = False
    disabled: bool = False
    clocks: list[Clock] = field(default_factory=list)

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
    for clock in track.open():
        if _is_paused(track, clock.name):
            clock.stop(event.at)
        elif not clock.running:
            clock.start(event.at, "resumed")


def _reopen(track: Track, clock: Clock, at: int) -> None:
    """Rule 10: by default the clock goes on and the time it was resolved does not count, else a new one begins."""
    if track.policy.reopen == RESTART:
        _begin(track, RESOLUTION, at, "reopened")
    else:
        clock.met_at = None
        # Nothing after its end can have come to pass before it ran again.
        clock.changed_at = max(clock.changed_at, at) if clock.breached_at is None else clock.changed_at
        if not _is_paused(track, RESOLUTION):
            clock.start(at, "reopened")


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


def _end(track: Track, event: Happened) -> None:
    """Rule 12: a merge, or a policy switched off, ends clocks without a breach."""
    for clock in track.open():
        clock.stop(event.at)
        clock.cancelled_at = event.at
    track.disabled = True


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
    "merge": _end,
    "policy_disabled": _end,
}
