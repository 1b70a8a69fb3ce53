"""What happens to tickets beyond what happens to every record. Bodies never stand in events, only ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class TicketReplied(Event):
    """An agent's public reply; taken back within its time it was never said (`ticket.reply-withdrawn`)."""

    verb: ClassVar[str] = "replied"
    message_id: UUID


@dataclass(frozen=True, slots=True)
class ReplyWithdrawn(Event):
    verb: ClassVar[str] = "reply-withdrawn"
    message_id: UUID


@dataclass(frozen=True, slots=True)
class TicketNoted(Event):
    """An internal note of the conversation."""

    verb: ClassVar[str] = "annotated"
    message_id: UUID


@dataclass(frozen=True, slots=True)
class TicketReceived(Event):
    """The requester, or somebody else, wrote."""

    verb: ClassVar[str] = "received"
    message_id: UUID


@dataclass(frozen=True, slots=True)
class CategoryChanged(Event):
    """A category was made, changed or archived."""

    verb: ClassVar[str] = "changed"
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class DeskChanged(Event):
    """Settings of the service desk were changed: each with its value before and after."""

    verb: ClassVar[str] = "changed"
    changes: dict[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class TicketClassified(Event):
    """A classifier set a field nobody had chosen; how sure it was, in percent."""

    verb: ClassVar[str] = "classified"
    field: str
    percent: int


@dataclass(frozen=True, slots=True)
class TrainingAsked(Event):
    verb: ClassVar[str] = "training-asked"
    field: str
    number: int


@dataclass(frozen=True, slots=True)
class ClassifierTrained(Event):
    """A training has come to its end, with a model that answers from now on (`ready`) or without."""

    verb: ClassVar[str] = "trained"
    field: str
    number: int
    state: str


@dataclass(frozen=True, slots=True)
class ClassifierChosen(Event):
    """Somebody chose the version that answers."""

    verb: ClassVar[str] = "chosen"
    field: str
    number: int
