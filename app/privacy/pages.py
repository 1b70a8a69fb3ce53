"""What the pages of personal data show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core import people
from app.core.scope import Scope
from app.privacy.models import DONE, ERASURE, FAILED, WAITING, PrivacyRequest

STATES = {WAITING: ("Waiting", "neutral"), DONE: ("Done", "success"), FAILED: ("Failed", "danger")}
KEPT = (
    ("Backups", "They still hold what was erased until they expire, and are only used to restore everything."),
    ("The event log", "That something happened, when, and to which number stays, without content and name."),
    ("Ids", "Random numbers that named the person here; nothing leads from them to the person any more."),
    ("Answers kept for repeated requests", "A program's request sent twice gets the same answer for a day."),
    ("Other people's records", "What others wrote stays theirs; only the address was taken out of notes."),
)
"""What an erasure leaves, and why: part of its report."""


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request: what it is, how far, what came of it."""

    id: UUID
    title: str
    state: str
    tone: str
    working: bool
    step: str
    at: datetime
    finished: datetime | None
    expires: datetime | None
    by: str
    counts: tuple[tuple[str, int], ...]
    message: str
    erasure: bool
    has_file: bool
    kept: tuple[tuple[str, str], ...]


def request_page(scope: Scope, row: PrivacyRequest, names: Mapping[UUID, str] | None = None) -> RequestPage:
    names = people.names_of(scope) if names is None else names
    label, tone = STATES.get(row.state, ("Under way", "info"))
    erasure = row.kind == ERASURE
    return RequestPage(
        id=row.id,
        title="Erasure of a person" if erasure else "Export of a person's data",
        state=label,
        tone=tone,
        working=row.state not in (DONE, FAILED),
        step=row.step,
        at=row.created_at,
        finished=row.finished_at,
        expires=row.expires_at,
        by=names.get(row.asked_by, "") if row.asked_by else "",
        counts=tuple(sorted(row.counts.items())),
        message=row.message,
        erasure=erasure,
        has_file=row.file_key is not None and (row.expires_at or scope.now) > scope.now,
        kept=KEPT if erasure and row.state == DONE else (),
    )


def report(page: RequestPage) -> dict[str, object]:
    """The same as a file, to be kept with the request of the person: numbers and reasons, nothing of theirs."""
    return {
        "request": str(page.id),
        "what": page.title,
        "asked_at": page.at.isoformat(),
        "finished_at": page.finished.isoformat() if page.finished else None,
        "asked_by": page.by,
        "counts": dict(page.counts),
        "kept": [{"what": what, "why": why} for what, why in page.kept],
    }
