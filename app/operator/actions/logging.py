"""The operators' log: everything they do is written down in the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import new_id, now
from app.core.events import jsonable
from app.operator.models import OperatorEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """An operator at one instant; at the command line there is no `id`."""

    id: UUID | None
    name: str
    ip: str | None = None
    session_id: UUID | None = None
    now: datetime = field(default_factory=now)


COMMAND_LINE = "the command line"


def record(session: Session, actor: Actor, kind: str, *, about: tuple[UUID, str] | None = None, **data: Any) -> None:
    """Adds one event; `about` is the id and name of the organisation or operator it was done to."""
    about_id, about_name = about or (None, "")
    session.add(
        OperatorEvent(
            id=new_id(),
            at=actor.now,
            type=kind,
            operator_id=actor.id,
            operator_name=actor.name,
            about_id=about_id,
            about_name=about_name,
            ip=actor.ip,
            data=jsonable(data),
        )
    )
    session.flush()
