"""What happens to a person's data. Never whose: the subject is the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class ExportAsked(Event):
    verb: ClassVar[str] = "export_asked"


@dataclass(frozen=True, slots=True)
class PersonExported(Event):
    verb: ClassVar[str] = "exported"
    counts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportDownloaded(Event):
    verb: ClassVar[str] = "downloaded"


@dataclass(frozen=True, slots=True)
class ErasureAsked(Event):
    verb: ClassVar[str] = "erasure_asked"


@dataclass(frozen=True, slots=True)
class EventsBlanked(Event):
    """Of these events the data (`events`) or the name of who did it (`names`) is gone. The check of the log reads
    this (`core.chain_check`): a blanked event that no such event names was tampered with.
    """

    verb: ClassVar[str] = "blanked"
    events: list[str]
    names: list[str]


@dataclass(frozen=True, slots=True)
class PersonErased(Event):
    verb: ClassVar[str] = "erased"
    counts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestFailed(Event):
    verb: ClassVar[str] = "failed"
    step: str


@dataclass(frozen=True, slots=True)
class RetentionApplied(Event):
    """What was over its time is gone: how much of what. The subject is this night's work."""

    verb: ClassVar[str] = "applied"
    counts: dict[str, int]
