"""Trained classifiers of the asker's tenant, what one suggested for a ticket, and what there is to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, text
from sqlalchemy.orm import undefer

from app.core import cache
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.tickets.classifier.offering import CATEGORY, PRIORITY
from app.tickets.models import Classification, ClassifierVersion, Ticket
from app.tickets.models.classification import ACCEPTED, BUSY, CHANGED, READY, UNDONE

CLASSIFIER_KIND = "classifier"
"""Under what name versions are cached, and their events are filed."""
COLUMNS = {CATEGORY: Ticket.category_id, PRIORITY: Ticket.priority}
"""Where a field's label stands in a ticket."""
_SECONDS = 3600
_NEWEST_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """The version of a field's classifier that answers."""

    id: UUID
    field: str
    number: int
    checksum: str
    examples: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What became of suggestions: written into tickets, of those left alone, kept by a person, changed, taken back;
    and how often it was not sure enough."""

    applied: int = 0
    kept: int = 0
    changed: int = 0
    undone: int = 0
    abstained: int = 0


def list_active_versions(scope: Scope) -> dict[str, ActiveVersion]:
    """Which version answers for which field."""
    kept = cache.get_or_make(scope.tenant_id, (CLASSIFIER_KIND,), "active-classifiers", _active, ttl=_SECONDS)
    return {row[1]: ActiveVersion(UUID(row[0]), *row[1:]) for row in kept}


def find_content(scope: Scope, version_id: UUID) -> bytes | None:
    """The stored model. Read behind a savepoint: if it fails, whatever else the transaction does goes on."""
    with db.session.begin_nested():
        query = select(ClassifierVersion.content).where(ClassifierVersion.id == version_id)
        return db.session.scalars(query).one_or_none()


def list_versions(scope: Scope, field: str, *, limit: int = 20) -> list[ClassifierVersion]:
    """Newest first, with their reports."""
    query = select(ClassifierVersion).where(ClassifierVersion.field == field).options(undefer(ClassifierVersion.report))
    return list(db.session.scalars(query.order_by(ClassifierVersion.number.desc()).limit(limit)))


def get_version(scope: Scope, version_id: UUID, *, lock: bool = False) -> ClassifierVersion:
    """Raises NotFound if there is none, or it is another tenant's."""
    query = select(ClassifierVersion).where(ClassifierVersion.id == version_id)
    query = query.options(undefer(ClassifierVersion.report))
    row = db.session.scalars(_locked(query) if lock else query).one_or_none()
    if row is None:
        raise NotFound("This version does not exist, or is not yours to see.")
    return row


def find_busy(scope: Scope, field: str) -> ClassifierVersion | None:
    """The version that waits to be trained, or is being trained."""
    query = select(ClassifierVersion).where(ClassifierVersion.field == field, ClassifierVersion.state.in_(BUSY))
    return db.session.scalars(query).one_or_none()


def list_due(scope: Scope) -> list[UUID]:
    """Versions to be trained that no worker holds."""
    due = (ClassifierVersion.state.in_(BUSY), ClassifierVersion.lease_until <= scope.now)
    return list(db.session.scalars(select(ClassifierVersion.id).where(*due).order_by(ClassifierVersion.id).limit(10)))


def list_active(scope: Scope, field: str) -> list[ClassifierVersion]:
    """The version that answers, locked; none or one."""
    query = select(ClassifierVersion).where(ClassifierVersion.field == field, ClassifierVersion.active)
    return list(db.session.scalars(_locked(query)))


def is_held_back(scope: Scope, field: str, number: int) -> bool:
    """Whether a later version has a model as well: then somebody chose to stay with this one."""
    query = select(ClassifierVersion.id).where(
        ClassifierVersion.field == field, ClassifierVersion.state == READY, ClassifierVersion.number > number
    )
    return db.session.scalars(query.limit(1)).one_or_none() is not None


def list_replaced(scope: Scope, field: str, keep: int) -> list[ClassifierVersion]:
    """Versions with a model that are not the active one, beyond the newest `keep`."""
    query = select(ClassifierVersion).where(
        ClassifierVersion.field == field,
        ClassifierVersion.state == READY,
        ClassifierVersion.active.is_(False),
        ClassifierVersion.checksum != "",
    )
    return list(db.session.scalars(query.order_by(ClassifierVersion.number.desc()).offset(keep).limit(100)))


def get_last_number(scope: Scope, field: str) -> int:
    """The highest number given, 0 if none was."""
    query = select(func.coalesce(func.max(ClassifierVersion.number), 0)).where(ClassifierVersion.field == field)
    return db.session.scalars(query).one()


def count_new_labels(scope: Scope, field: str, since: datetime | None, *, most: int) -> int:
    """Tickets with a label that were made or changed since then; counts no further than `most`."""
    rows = select(Ticket.id).where(Ticket.deleted_at.is_(None), COLUMNS[field].is_not(None))
    if since is not None:
        rows = rows.where(Ticket.updated_at > since)
    return db.session.scalars(select(func.count()).select_from(rows.limit(most).subquery())).one()


def list_examples(
    scope: Scope, field: str, *, before: UUID | None, limit: int, letters: int
) -> list[tuple[UUID, str, str, str]]:
    """Tickets to learn from, newest first: id, subject, the first letters of the description, label.

    One that got its label from a classifier teaches only after a person has looked: else it would teach itself.
    """
    column = COLUMNS[field]
    own = and_(Classification.ticket_id == Ticket.id, Classification.field == field)
    query = (
        select(Ticket.id, Ticket.subject, func.left(func.coalesce(Ticket.description, ""), letters), column)
        .outerjoin(Classification, own)
        .where(
            Ticket.deleted_at.is_(None),
            Ticket.merged_into_id.is_(None),
            column.is_not(None),
            or_(Classification.id.is_(None), ~Classification.applied, Classification.outcome.is_not(None)),
        )
    )
    if before is not None:
        query = query.where(Ticket.id < before)
    rows = db.session.execute(query.order_by(Ticket.id.desc()).limit(limit))
    return [(id_, subject, body, str(label)) for id_, subject, body, label in rows]


def list_classifications(scope: Scope, ticket_id: UUID) -> list[Classification]:
    """What was suggested for a ticket, a row a field."""
    query = select(Classification).where(Classification.ticket_id == ticket_id)
    return list(db.session.scalars(query.order_by(Classification.field)))


def find_classification(scope: Scope, ticket_id: UUID, field: str, *, lock: bool = False) -> Classification | None:
    query = select(Classification).where(Classification.ticket_id == ticket_id, Classification.field == field)
    return db.session.scalars(_locked(query) if lock else query).one_or_none()


def count_outcomes(scope: Scope, since: datetime) -> Mapping[str, Usage]:
    """By field, what became of the suggestions since then; of the newest 20,000 at most."""
    newest = (
        select(Classification)
        .where(Classification.created_at >= since)
        .order_by(Classification.id.desc())
        .limit(_NEWEST_COUNTED)
        .subquery()
    )
    counts = (
        func.count().filter(newest.c.applied),
        func.count().filter(newest.c.applied, newest.c.outcome == ACCEPTED),
        func.count().filter(newest.c.applied, newest.c.outcome == CHANGED),
        func.count().filter(newest.c.applied, newest.c.outcome == UNDONE),
        func.count().filter(newest.c.abstained),
    )
    rows = db.session.execute(select(newest.c.field, *counts).group_by(newest.c.field))
    return {field: Usage(*numbers) for field, *numbers in rows}


def tenants_with_training_due(limit: int = 1000) -> list[UUID]:
    """Tenants with a version to be trained that no worker holds; through a definer function."""
    rows = db.session.execute(text("select tenants_with_training_due(cast(:limit as integer))"), {"limit": limit})
    return [row[0] for row in rows]


def _active() -> list[list[Any]]:
    columns = (ClassifierVersion.id, ClassifierVersion.field, ClassifierVersion.number, ClassifierVersion.checksum)
    with db.session.begin_nested():
        rows = db.session.execute(select(*columns, ClassifierVersion.examples).where(ClassifierVersion.active))
        return [[str(row[0]), *row[1:]] for row in rows]


def _locked(query: Select[Any]) -> Select[Any]:
    return query.with_for_update().execution_options(populate_existing=True)
