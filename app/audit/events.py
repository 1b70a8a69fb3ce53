"""What happens to the audit log itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class AlertRaised(Event):
    """Something unusual, by the rule of this name; `event_id` is the event that made it so many."""

    verb: ClassVar[str] = "raised"
    rule: str
    count: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class AlertSeen(Event):
    verb: ClassVar[str] = "seen"
    rule: str


@dataclass(frozen=True, slots=True)
class LogExported(Event):
    """The subject is the export itself; `query` is what was asked for, `rows` at most how many it holds."""

    verb: ClassVar[str] = "exported"
    query: str
    rows: int
