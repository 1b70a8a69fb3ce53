"""What imports are there, how far they are, and which records a chunk of rows may be about."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Uuid,
    any_,
    collate,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
)

from app.core import db as database
from app.core.errors import NotFound
from app.core.records.kind import RecordKind
from app.core.records.queries import is_owned_by
from app.core.records.reach import may_change, owners_seen
from app.core.scope import Scope, no_tenant
from app.core.transfer import mapping as mappings
from app.core.transfer.models import FINISHED, IMPORTING, RUNNING, UNDOING, Import, ImportMapping, ImportProblem
from app.core.transfer.planning import Existing
from app.extensions import db

NEWEST = 50
PROBLEMS_SHOWN = 100


def get_import(scope: Scope, kind: RecordKind, import_id: UUID, *, lock: bool = False) -> Import:
    """Raises NotFound for an import of another tenant or kind, of someone whose records the asker does not see, or
    none."""
    query = select(Import).where(Import.id == import_id, Import.kind == kind.name, *_visible(scope, kind))
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This import does not exist, or is not yours to see.")
    return row


def find_by_token(scope: Scope, kind: RecordKind, token: UUID) -> Import | None:
    """The import that this upload form made already."""
    same = select(Import).where(Import.token == token, Import.kind == kind.name, *_visible(scope, kind))
    return db.session.scalars(same).one_or_none()


def list_imports(scope: Scope, kind: RecordKind) -> list[Import]:
    """The newest fifty."""
    query = (
        select(Import).where(Import.kind == kind.name, *_visible(scope, kind)).order_by(Import.id.desc()).limit(NEWEST)
    )
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
            *_visible(scope, kind),
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


def find_existing(
    scope: Scope, kind: RecordKind, keys: Collection[str], *, values: bool, lock: bool
) -> dict[str, Existing]:
    """The oldest live record of each key among those the asker sees; with its fields if asked for, and locked until
    the transaction ends."""
    ids = _ids_by_key(scope, kind, keys)
    if not values:
        return {key: Existing(id_) for key, id_ in ids.items()}
    model, names = kind.model, [spec.name for spec in kind.fields]
    query = (
        select(model.id, model.match_key, model.owner_id, *(getattr(model, name) for name in names))
        .where(model.id == any_(literal(list(ids.values()), ARRAY(Uuid))), model.deleted_at.is_(None))
        .order_by(model.id)
    )
    rows = db.session.execute(query.with_for_update() if lock else query)
    return {
        key: Existing(id_, dict(zip(names, fields, strict=True)), may_change(scope, kind, owner))
        for id_, key, owner, *fields in rows
    }


def _visible(scope: Scope, kind: RecordKind) -> tuple[ColumnElement[bool], ...]:
    """An import tells of records: it is seen by those who see the records of whoever asked for it."""
    owners = owners_seen(scope, kind)
    return () if owners is None else (Import.created_by.in_(sorted(owners)),)


def _ids_by_key(scope: Scope, kind: RecordKind, keys: Collection[str]) -> dict[str, UUID]:
    """The index is asked for one key after the other, whatever the planner believes of the table.

    Its statistics are those of before the import, and may say that the table is empty: then every index looks
    as good as the right one. Only that one gives the order asked for here (the settings of a chunk forbid to
    sort), and `offset 0` keeps the loop from being turned around.
    """
    model = kind.model
    wanted = func.unnest(literal(list(keys), ARRAY(Text))).table_valued("key").render_derived(name="wanted")
    same = (
        select(model.id, model.deleted_at, model.owner_id)
        .where(model.match_key >= collate(wanted.c.key, "C"), model.match_key <= collate(wanted.c.key, "C"))
        .order_by(model.match_key)
        .correlate(wanted)
        .offset(literal_column("0"))
        .lateral("same")
    )
    query = (
        select(wanted.c.key, same.c.id)
        .join(same, true())
        .where(same.c.deleted_at.is_(None), *is_owned_by(same.c.owner_id, owners_seen(scope, kind)))
    )
    rows = db.session.execute(query.order_by(same.c.id.desc()))
    return {row.key: row.id for row in rows}


def list_lapsed(at: datetime) -> list[UUID]:
    """Imports of this tenant that should be running and are not."""
    return list(db.session.scalars(select(Import.id).where(Import.state.in_(RUNNING), Import.lease_until <= at)))


def tenants_with_lapsed_imports(limit: int = 1_000) -> list[UUID]:
    """Tenants with such imports, through the definer function: the only look across tenants."""
    with no_tenant():
        rows = db.session.execute(text("select tenants_with_lapsed_imports(cast(:most as integer))"), {"most": limit})
        found = [row[0] for row in rows]
        database.rollback()
    return found
