"""What happens to tickets beyond what happens to every record. Bodies never stand in events, only ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
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
    """Settings of the service desk were changed: each with its value before and after; `version` is what they made."""

    verb: ClassVar[str] = "changed"
    changes: dict[str, tuple[object, object]]
    version: int = 0


@dataclass(frozen=True, slots=True)
class TicketRated(Event):
    """The requester said how it went, or said it differently, or added a comment: `commented` says whether there is one
    now. What it says stands in the rating, not here.
    """

    verb: ClassVar[str] = "rated"
    rating_id: UUID
    rating: str
    before: str | None
    commented: bool


@dataclass(frozen=True, slots=True)
class CalendarCreated(Event):
    verb: ClassVar[str] = "created"
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class CalendarUpdated(Event):
    verb: ClassVar[str] = "updated"
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarArchived(Event):
    verb: ClassVar[str] = "archived"
    name: str


@dataclass(frozen=True, slots=True)
class PolicyCreated(Event):
    verb: ClassVar[str] = "created"
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class PolicyUpdated(Event):
    verb: ClassVar[str] = "updated"
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyMoved(Event):
    verb: ClassVar[str] = "reordered"
    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PolicySwitched(Event):
    verb: ClassVar[str] = "switched"
    name: str
    on: bool
    tickets: int


@dataclass(frozen=True, slots=True)
class PolicyArchived(Event):
    verb: ClassVar[str] = "archived"
    name: str
    tickets: int


@dataclass(frozen=True, slots=True)
class ClockWarned(Event):
    """`due_at` was near: `percent` of the target's time were used at `happened_at`."""

    verb: ClassVar[str] = "sla-warned"
    clock: str
    percent: int
    happened_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClockBreached(Event):
    """`happened_at` is the instant it was due, never when somebody noticed."""

    verb: ClassVar[str] = "sla-breached"
    clock: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class ClockEscalated(Event):
    verb: ClassVar[str] = "sla-escalated"
    clock: str
    level: int
    happened_at: datetime


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


@dataclass(frozen=True, slots=True)
class CannedReplyChanged(Event):
    """A text for replies was added, changed or deleted; `what` says which."""

    verb: ClassVar[str] = "changed"
    title: str
    what: str


@dataclass(frozen=True, slots=True)
class ReplyFailed(Event):
    """A reply did not reach somebody it was for: the mail server refused it, or a report came back."""

    verb: ClassVar[str] = "reply-failed"
    message_id: UUID


@dataclass(frozen=True, slots=True)
class MailboxChanged(Event):
    """A mailbox was made, changed or deleted; `what` names the fields, never their values."""

    verb: ClassVar[str] = "changed"
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class MailTaken(Event):
    """Somebody made a ticket of a mail that was ignored, held or had failed."""

    verb: ClassVar[str] = "taken"


@dataclass(frozen=True, slots=True)
class AgentChanged(Event):
    """How somebody takes part in assignment was changed: each with its value before and after."""

    verb: ClassVar[str] = "changed"
    name: str
    changes: dict[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class TicketMerged(Event):
    """The subject went into another ticket; said of the other by `TicketAbsorbed`."""

    verb: ClassVar[str] = "merged"
    other_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class TicketAbsorbed(Event):
    verb: ClassVar[str] = "absorbed"
    other_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class TicketUnmerged(Event):
    """A merge was taken back; told of both tickets."""

    verb: ClassVar[str] = "unmerged"
    other_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class TicketLinked(Event):
    """Two tickets belong together, told of both; `link` is how."""

    verb: ClassVar[str] = "linked"
    other_id: UUID
    number: int
    link: str


@dataclass(frozen=True, slots=True)
class TicketUnlinked(Event):
    verb: ClassVar[str] = "unlinked"
    other_id: UUID
    number: int
