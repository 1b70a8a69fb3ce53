"""What happened to people and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class UserCreated(Event):
    verb: ClassVar[str] = "created"
    role: str


@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """The subject is the session: signing in changes nothing that is cached about the user."""

    verb: ClassVar[str] = "started"
    method: str
    second_factor: bool
    ip: str | None


@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    verb: ClassVar[str] = "ended"


@dataclass(frozen=True, slots=True)
class SessionsEnded(Event):
    """All of a person's; the subject is the person."""

    verb: ClassVar[str] = "all_ended"
