"""What the operator does to an organisation, as the organisation's own log has it. The subject is the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class TenantCreated(Event):
    verb: ClassVar[str] = "created"
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class TenantSuspended(Event):
    """Its owners are told by mail (`operator.notices`)."""

    verb: ClassVar[str] = "suspended"
    reason: str


@dataclass(frozen=True, slots=True)
class TenantResumed(Event):
    verb: ClassVar[str] = "resumed"
    reason: str
