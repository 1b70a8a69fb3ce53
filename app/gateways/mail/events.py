"""What became of mail that could not be delivered. The subject is the mail; addresses are never told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class MailFailed(Event):
    """The mail server refused it for good; `reason` is its answer, masked."""

    verb: ClassVar[str] = "failed"
    template: str
    reason: str


@dataclass(frozen=True, slots=True)
class MailGivenUp(Event):
    """It could not be handed over for a day; `reason` is what stood in the way last."""

    verb: ClassVar[str] = "given_up"
    template: str
    reason: str
