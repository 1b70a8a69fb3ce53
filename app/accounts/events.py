"""What happened to people and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class ApiTokenCreated(Event):
    """The subject is the token; `owner` is whose it is."""

    verb: ClassVar[str] = "created"
    owner: UUID
    name: str
    scopes: list[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiTokenRevoked(Event):
    verb: ClassVar[str] = "revoked"
    owner: UUID
    name: str


@dataclass(frozen=True, slots=True)
class FamilyRevoked(Event):
    """A program was signed out; the subject is its sign-in."""

    verb: ClassVar[str] = "revoked"
    owner: UUID


@dataclass(frozen=True, slots=True)
class RefreshTokenReused(Event):
    """A refresh token came a second time: somebody has a copy. The sign-in is over for both; see ADR 23."""

    verb: ClassVar[str] = "reused"
    owner: UUID
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class OrganisationChanged(Event):
    """Its settings: what was changed, before and after, and the version that made. The subject is the tenant."""

    verb: ClassVar[str] = "changed"
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    version: int
