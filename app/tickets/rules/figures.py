"""How a number of the service figures names the tickets it counts: one text in the address of their list.

`resolution.breached.2026-11-01.2026-11-30` are the tickets with a resolution clock that was breached on these days;
with `.p-<id>` at the end, of that policy. A ticket with several clocks of a name is breached if one of them is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.tickets.rules.sla import TARGETS

MET, BREACHED, DECIDED = VERDICTS = ("met", "breached", "decided")


@dataclass(frozen=True, slots=True)
class Counted:
    """Which tickets: with a clock of this name decided on the days from `first` to `last`, and how."""

    clock: str
    verdict: str
    first: date
    last: date
    policy_id: UUID | None = None

    @property
    def text(self) -> str:
        parts = [self.clock, self.verdict, self.first.isoformat(), self.last.isoformat()]
        return ".".join([*parts, *([f"p-{self.policy_id}"] if self.policy_id else [])])


def read_counted(text: str) -> Counted:
    """Raises ValueError: that is none."""
    parts = text.split(".")
    if len(parts) not in (4, 5) or parts[0] not in TARGETS or parts[1] not in VERDICTS:
        raise ValueError(text)
    policy_id = UUID(parts[4].removeprefix("p-")) if len(parts) == 5 else None
    counted = Counted(parts[0], parts[1], date.fromisoformat(parts[2]), date.fromisoformat(parts[3]), policy_id)
    if not date(1990, 1, 1) <= counted.first <= counted.last <= date(2200, 1, 1):
        raise ValueError(text)
    return counted
