"""One promise to one ticket, and the arithmetic of when it is due. Pure; times are microseconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    _whole: tuple[int, Calendar, int] | None = field(default=None, repr=False, compare=False)

    def whole(self) -> int:
        """Business microseconds of all of it, once it has ended."""
        assert self.end is not None
        if self._whole is None or self._whole[0] != self.end or self._whole[1] is not self.calendar:
            self._whole = (self.end, self.calendar, self.calendar.used(self.start, self.end))
        return self._whole[2]


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
    # As of what the clock was looked at last, and until when nothing comes to pass with it as long as that holds.
    _seen: tuple[Any, ...] | None = field(default=None, repr=False)
    _by: tuple[Policy, Calendar] | None = field(default=None, repr=False)
    _coming: int | None = field(default=None, repr=False)

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
        used = 0
        for one in self.ledger:
            if one.start < at:
                whole = one.end is not None and one.end <= at
                used += one.whole() if whole else one.calendar.used(one.start, at)
        return used

    def remaining(self, at: int) -> int:
        return max(0, (self.target or 0) * MINUTE - self.used(at))

    def instant_of(self, wanted: int) -> int | None:
        """When `wanted` microseconds will have been, or were, used. None if it stands still before that."""
        used = 0
        for one in self.ledger:
            if one.end is not None:
                here = one.whole()
                if used + here < wanted:
                    used += here
                    continue
            try:
                return one.calendar.after(one.start, wanted - used)
            except NoOpenTime:
                self.error = "no_open_time"
                return None
        return None

    def next(self, policy: Policy) -> int | None:
        """When something comes to pass by itself that has not yet: a warning, the breach, an escalation."""
        if self.over or not self.target or not self.running:
            return None
        total = self.target * MINUTE
        if self.breached_at is None:
            wanted = [total * one // 100 for one in policy.warn_percent if ("warning", one) not in self.fired] + [total]
        else:
            spent, levels = self.used(self.breached_at), enumerate(policy.escalations, start=1)
            wanted = [spent + minutes * MINUTE for level, minutes in levels if ("escalation", level) not in self.fired]
        instant = self.instant_of(min(wanted)) if wanted else None
        return None if instant is None else self._running_from(max(instant, self.changed_at, self.breached_at or 0))

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
        last = self.ledger[-1] if self.ledger else None
        state = (len(self.ledger), last.end if last else None, self.target, self.changed_at)
        same = state == self._seen and self._by is not None and self._by[0] is policy and self._by[1] is self.calendar
        if same and (self._coming is None or until <= self._coming):
            return
        self._seen, self._by = state, (policy, self.calendar)
        if self.running:
            self._coming = self.next(policy)
            if self._coming is not None and until > self._coming:
                self._look(until, policy)
                self._coming = self.next(policy)
        else:
            self._look(until, policy)
            # It stands still: once that is looked at from beyond, there is nothing to come.
            stood = max(last.end or 0 if last else 0, self.changed_at)
            self._coming = None if until > stood else stood

    def _look(self, until: int, policy: Policy) -> None:
        if self.breached_at is None:
            total = (self.target or 0) * MINUTE
            spent = self.used(until)
            for percent in policy.warn_percent:
                if spent * 100 >= total * percent:
                    self._fire(("warning", percent), total * percent // 100, until)
            if spent >= total:
                self.breached_at = self._passed(total, until)
        if self.breached_at is not None and policy.escalations:
            spent = self.used(self.breached_at)
            for level, minutes in enumerate(policy.escalations, start=1):
                self._fire(("escalation", level), spent + minutes * MINUTE, until, earliest=self.breached_at)

    def _passed(self, wanted: int, until: int, earliest: int = 0) -> int | None:
        """The instant, not before the last change or `earliest`, at which so much was used, if it is before `until`."""
        when = self.instant_of(wanted)
        if when is None:
            return None
        when = self._running_from(max(when, earliest, self.changed_at))
        return when if when is not None and when < until else None

    def _running_from(self, when: int) -> int | None:
        """The first instant from `when` on at which it ran: what a change made overdue while it stood still comes to
        pass as soon as it runs again."""
        for one in self.ledger:
            if one.end is None or when <= one.end:
                return max(when, one.start)
        return None

    def _fire(self, what: tuple[str, int], wanted: int, until: int, *, earliest: int = 0) -> None:
        if what in self.fired:
            return
        if (when := self._passed(wanted, until, earliest)) is not None:
            self.fired[what] = when
