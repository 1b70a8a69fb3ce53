"""Many records written at once: COPY into a temporary table, then one INSERT or UPDATE from it.

COPY straight into a table with row-level security is refused by PostgreSQL; a temporary table has none, and
the INSERT … SELECT from it goes through the policy like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import ARRAY, Uuid, any_, delete, insert, literal

from app.core.clock import new_id
from app.core.events import EventRow, event_columns, jsonable
from app.core.records.events import RecordChanged
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind
from app.core.records.models import Note
from app.core.scope import Scope
from app.core.transfer.models import ImportChange, ImportProblem
from app.core.transfer.planning import Changed, New, Problem, differing
from app.extensions import db

_GIVEN = ("tenant_id", "created_at", "updated_at", "version", "import_id", "deleted_at", "deletion_id")
"""Columns that are the same for every record of an import; they need not be sent."""


def insert_records(scope: Scope, kind: RecordKind, import_id: UUID, records: Sequence[New]) -> None:
    """Creates the records, in one statement."""
    if not records:
        return
    hooks_of(kind).importing(scope, [record.columns for record in records])
    names = _filled([record.columns for record in records])
    columns = ("id", "import_row", *names)
    rows = ((record.id, record.row_number, *map(record.columns.get, names)) for record in records)
    with _raw().cursor() as cursor:
        table = _copy(cursor, kind, "import_new", columns, rows)
        own = sql.SQL(", ").join(map(sql.Identifier, columns))
        cursor.execute(
            sql.SQL(
                "insert into {target} (tenant_id, created_at, updated_at, version, import_id, {own}) "
                "select %s, %s, %s, 1, %s, {own} from {table}"
            ).format(target=_target(kind), own=own, table=table),
            (scope.tenant_id, scope.now, scope.now, import_id),
        )


def update_records(scope: Scope, kind: RecordKind, import_id: UUID, records: Sequence[Changed]) -> None:
    """Overwrites the records, keeps what they were before, and says in their timelines what changed."""
    if not records:
        return
    names = tuple(records[0].columns)
    rows = ((record.id, new_id(), *map(record.columns.get, names)) for record in records)
    with _raw().cursor() as cursor:
        table = _copy(cursor, kind, "import_changed", ("id", "import_id", *names), rows)
        cursor.execute(_keep_before(kind, table), {"import": import_id})
        sets = sql.SQL(", ").join(sql.SQL("{0} = t.{0}").format(sql.Identifier(name)) for name in names)
        cursor.execute(
            sql.SQL(
                "update {target} as r set {sets}, version = r.version + 1, updated_at = %s from {table} as t "
                "where r.id = t.id"
            ).format(target=_target(kind), sets=sets, table=table),
            (scope.now,),
        )
    changes = ((record.id, differing(record.before, record.whole)) for record in records)
    _say_changed(scope, kind, changes)


def insert_problems(scope: Scope, import_id: UUID, run: int, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    rows = [
        {
            "tenant_id": scope.tenant_id,
            "id": new_id(),
            "import_id": import_id,
            "run": run,
            "row_number": problem.row.number,
            "column_name": problem.column,
            "message": problem.message,
            "cells": [cell.replace("\0", "\ufffd") for cell in problem.row.cells],
        }
        for problem in problems
    ]
    db.session.execute(insert(ImportProblem), rows)


def delete_records(kind: RecordKind, ids: Sequence[UUID]) -> None:
    """Removes records for good, with their notes."""
    model, those = kind.model, any_(literal(list(ids), ARRAY(Uuid)))
    options = {"synchronize_session": False}
    db.session.execute(delete(Note).where(Note.kind == kind.name, Note.record_id == those), execution_options=options)
    db.session.execute(delete(model).where(model.id == those), execution_options=options)


def restore_records(scope: Scope, kind: RecordKind, changes: Sequence[ImportChange], current: dict[UUID, Any]) -> None:
    """Puts back what the import overwrote; `current` are the records as they are now, by id."""
    if not changes:
        return
    names = restorable(kind)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL(
        "update {target} as r set ({columns}) = "
        "(select {columns} from jsonb_populate_record(r, c.before)), "
        "version = r.version + 1, updated_at = %s from import_changes as c "
        "where c.id = any(%s) and r.id = c.record_id"
    ).format(target=_target(kind), columns=columns)
    before = {change.record_id: change.before or {} for change in changes}
    with _raw().cursor() as cursor:
        cursor.execute(statement, (scope.now, [change.id for change in changes]))
    _say_changed(scope, kind, ((id_, _back(kind, current[id_], values)) for id_, values in before.items()))


def restorable(kind: RecordKind) -> tuple[str, ...]:
    """The stored columns an import may write: the fields and what is derived from them."""
    kept = {*_GIVEN, "id", "import_row"}
    columns = kind.model.__table__.columns  # type: ignore[attr-defined]
    return tuple(column.name for column in columns if column.computed is None and column.name not in kept)


def _back(kind: RecordKind, now: Any, before: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields that go back, as JSON holds them."""
    present = {spec.name: jsonable(getattr(now, spec.name)) for spec in kind.fields}
    past = {name: _as_event(kind, name, before.get(name)) for name in present}
    return differing(present, past)


def _as_event(kind: RecordKind, name: str, value: Any) -> Any:
    """A value out of PostgreSQL's JSON as events write it."""
    widget = kind.field(name).type.widget
    if value is not None and widget == "money":
        return str(Decimal(str(value)).quantize(Decimal("0.01")))
    if value is not None and widget == "datetime-local":
        return datetime.fromisoformat(value).isoformat()
    return value


def _keep_before(kind: RecordKind, table: sql.Composable) -> sql.Composed:
    """Remembers each record as it was, once an import.

    A record that this very import created needs no past: it will be deleted. `version_after` is 0, which no
    record has, where a person changed the record in between: then undo keeps it.
    """
    columns = kind.model.__table__.columns  # type: ignore[attr-defined]
    own = restorable(kind)
    other = [column.name for column in columns if column.name not in own]
    return sql.SQL(
        """
        insert into import_changes as kept (tenant_id, id, import_id, record_id, before, version_after)
        select r.tenant_id, t.import_id, %(import)s, r.id,
            case when r.import_id = %(import)s then null else to_jsonb(r) - {other}::text[] end,
            case when c.version_after = r.version
                   or (c.id is null and (r.import_id is distinct from %(import)s or r.version = 1))
                 then r.version + 1 else 0 end
        from {table} as t
        join {target} as r on r.id = t.id
        left join import_changes as c on c.import_id = %(import)s and c.record_id = r.id
        on conflict (tenant_id, import_id, record_id) do update set version_after = excluded.version_after
        """
    ).format(other=sql.Literal(other), table=table, target=_target(kind))


def _say_changed(scope: Scope, kind: RecordKind, changes: Iterable[tuple[UUID, dict[str, tuple[Any, Any]]]]) -> None:
    """The records' own events, for their timelines. What follows from an import follows from the import's event,
    so these wait for nobody: a million of them must not stand in the outbox."""
    rows = [event_columns(scope, RecordChanged(kind.name, id_, changes=changed)) for id_, changed in changes]
    if rows:
        db.session.execute(insert(EventRow), rows)


def _filled(records: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The columns in which at least one record has a value; the others are left to be NULL."""
    names = tuple(records[0])
    return tuple(name for name in names if any(record[name] is not None for record in records))


def _copy(
    cursor: psycopg.Cursor[Any], kind: RecordKind, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> sql.Identifier:
    """Sends the rows into a temporary table that ends with the transaction."""
    table = sql.Identifier(name)
    own = sql.SQL(", ").join(map(sql.Identifier, columns))
    target = _target(kind)
    cursor.execute(
        sql.SQL("create temporary table {} on commit drop as select {} from {} with no data").format(table, own, target)
    )
    with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(table, own)) as copy:
        for row in rows:
            copy.write_row([_array(value) if type(value) is list else value for value in row])
    return table


def _array(values: list[str]) -> str:
    """A list of texts as PostgreSQL writes an array; psycopg's own way takes longer than the rest of the row."""
    if not values:
        return "{}"
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + '","'.join(quoted) + '"}'


def _target(kind: RecordKind) -> sql.Identifier:
    return sql.Identifier(kind.model.__table__.name)  # type: ignore[attr-defined]


def _raw() -> psycopg.Connection[Any]:
    """The psycopg connection of this session's transaction."""
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
