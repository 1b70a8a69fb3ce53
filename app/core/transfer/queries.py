"""What imports are there, how far they are, and which records a chunk of rows may be about."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, literal, select, text

from app.core import db as database
from app.core.errors import NotFound
from app.core.records.kind import RecordKind
from app.core.scope import Scope, no_tenant
from app.core.transfer import mapping as mappings
from app.core.transfer.models import FINISHED, IMPORTING, RUNNING, UNDOING, Import, ImportMapping, ImportProblem
from app.core.transfer.planning import Existing
from app.extensions import db

NEWEST = 50
PROBLEMS_SHOWN = 100


def get_import(scope: Scope, kind: RecordKind, import_id: UUID, *, lock: bool = False) -> Import:
    """Raises NotFound for an import of another tenant or kind, or none."""
    query = select(Import).where(Import.id == import_id, Import.kind == kind.name)
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This import does not exist, or is not yours to see.")
    return row


def find_by_token(scope: Scope, kind: RecordKind, token: UUID) -> Import | None:
    """The import that this upload form made already."""
    return db.session.scalars(
        select(Import).where(Import.token == token, Import.kind == kind.name)
    ).one_or_none()


def list_imports(scope: Scope, kind: RecordKind) -> list[Import]:
    """The newest fifty."""
    query = select(Import).where(Import.kind == kind.name).order_by(Import.id.desc()).limit(NEWEST)
    return list(db.session.scalars(query))


def find_earlier(scope: Scope, kind: RecordKind, row: Import) -> Import | None:
    """The last time the very same file was imported and not taken back."""
    done = (*FINISHED, IMPORTING, UNDOING)
    query = (
        select(Import)
        .where(
            Import.kind == kind.name,
            Import.checksum == row.checksum,
            Import.id != row.id,
            Import.state.in_(done),
            Import.created + Import.updated > 0,
        )
        .order_by(Import.id.desc())
        .limit(1)
    )
    return db.session.scalars(query).first()


def find_mapping(scope: Scope, kind: RecordKind, headers: list[str]) -> dict[str, str] | None:
    """What was remembered for a file with these headings."""
    signature = mappings.signature(headers)
    return db.session.scalars(
        select(ImportMapping.mapping).where(ImportMapping.kind == kind.name, ImportMapping.signature == signature)
    ).one_or_none()


def list_problems(scope: Scope, row: Import) -> list[ImportProblem]:
    """The first hundred refused rows of the run that counts."""
    query = (
        select(ImportProblem)
        .where(ImportProblem.import_id == row.id, ImportProblem.run == row.run)
        .order_by(ImportProblem.row_number)
        .limit(PROBLEMS_SHOWN)
    )
    return list(db.session.scalars(query))


def find_existing(kind: RecordKind, keys: Collection[str], *, lock: bool) -> dict[str, Existing]:
    """The oldest live record of each key. With `lock`, its fields too, held until the transaction ends."""
    model = kind.model
    fields = [getattr(model, spec.name) for spec in kind.fields] if lock else []
    wanted = func.unnest(literal(list(keys), ARRAY(Text))).table_valued("key").render_derived(name="wanted")
    query = (
        select(model.id, model.match_key, *fields)
        .select_from(wanted)
        .join(model, model.match_key == wanted.c.key)
        .where(model.deleted_at.is_(None))
        .order_by(model.id)
    )
    found: dict[str, Existing] = {}
    for record in db.session.execute(query.with_for_update(of=model) if lock else query):
        values: dict[str, Any] = dict(record._mapping)
        if values["match_key"] not in found:
            own = {spec.name: values[spec.name] for spec in kind.fields} if lock else {}
            found[values["match_key"]] = Existing(values["id"], own)
    return found


def list_lapsed(at: datetime) -> list[UUID]:
    """Imports of this tenant that should be running and are not."""
    return list(
        db.session.scalars(
            select(Import.id).where(Import.state.in_(RUNNING), Import.lease_until <= at)
        )
    )


def tenants_with_lapsed_imports(limit: int = 1_000) -> list[UUID]:
    """Tenants with such imports, through the definer function: the only look across tenants."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_lapsed_imports(:most)"), {"most": limit})
        found = [row[0] for row in rows]
        database.rollback()
    return found

