"""Rotation: every sealed column is sealed again with the current key, in batches, while pages are served.

Each value is replaced only if it is still what was read (compare and set): a value somebody wrote meanwhile
stays, and two rotations at once do no harm. What is sealed with the current key already is passed over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core import db as database
from app.core.scope import no_tenant, tenant_context
from app.core.secrets import CannotOpen, SealedColumn, needs_rotation, open_bytes, seal, sealed_columns
from app.extensions import db

log = logging.getLogger(__name__)
BATCH = 500
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many values were sealed again, were written by somebody else meanwhile, or cannot be opened."""

    done: int = 0
    overtaken: int = 0
    lost: int = 0

    def __add__(self, other: Rotated) -> Rotated:
        return Rotated(self.done + other.done, self.overtaken + other.overtaken, self.lost + other.lost)


def rotate_tenant(tenant_id: UUID) -> Rotated:
    """All sealed columns of one tenant. Commits after each batch: it is run by a command, for minutes."""
    with tenant_context(tenant_id):
        return sum((_column(item, tenant_id) for item in sealed_columns() if _of_tenants(item)), Rotated())


def rotate_shared() -> Rotated:
    """The sealed columns of tables that belong to no tenant."""
    with no_tenant():
        return sum((_column(item, None) for item in sealed_columns() if not _of_tenants(item)), Rotated())


def _column(item: SealedColumn, tenant_id: UUID | None) -> Rotated:
    total, after = Rotated(), _FIRST
    while rows := _batch(item, after):
        for row_id, text in rows:
            total += _value(item, tenant_id, row_id, text)
        after = rows[-1][0]
        database.commit()
    database.rollback()
    return total


def _batch(item: SealedColumn, after: UUID) -> list[tuple[UUID, str]]:
    table = _table(item)
    value = table.c[item.column]
    asked = select(table.c.id, value).where(table.c.id > after, value.is_not(None)).order_by(table.c.id).limit(BATCH)
    return [(row[0], row[1]) for row in db.session.execute(asked)]


def _value(item: SealedColumn, tenant_id: UUID | None, row_id: UUID, text: str) -> Rotated:
    if not needs_rotation(text):
        return Rotated()
    place: dict[str, Any] = {"tenant_id": tenant_id, "table": item.table, "row_id": row_id, "column": item.column}
    try:
        fresh = seal(open_bytes(text, **place), **place)
    except CannotOpen as error:
        log.error("sealed_value_lost", extra={"table": item.table, "row_id": str(row_id), "error": str(error)})
        return Rotated(lost=1)
    table = _table(item)
    kept = (table.c.id == row_id, table.c[item.column] == text)
    changed: Any = db.session.execute(update(table).where(*kept).values({item.column: fresh}))
    return Rotated(done=1) if changed.rowcount else Rotated(overtaken=1)


def _table(item: SealedColumn) -> Any:
    return item.model.__table__


def _of_tenants(item: SealedColumn) -> bool:
    return "tenant_id" in _table(item).c
