"""What a request says, read: the list it means, and whether it may; and how a number of records is said."""

from __future__ import annotations

from flask import request, url_for

from app.core import people
from app.core.records import actions, listing, pages
from app.core.records.fields import Field, ParseContext
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import may_see
from app.core.scope import Scope


def parse_context(scope: Scope) -> ParseContext:
    return ParseContext(scope, people.ByAnyName(scope))


def read_listing(kind: RecordKind, scope: Scope, *, landing: bool = False) -> listing.ListRequest:
    """The list's state from this request's address; where people `land` with a bare one, their first queue."""
    asked = request.args.to_dict(flat=False)
    if landing and not asked and (first := kind.first_queue(scope)):
        asked = {"queue": [first]}
    return listing.read(kind, asked, parse_context(scope))


def fields_asked(kind: RecordKind, scope: Scope) -> list[Field]:
    """The fields a form of the asker's is read for. Whoever may not assign is shown no owner; a form that names one
    all the same is read, and refused."""
    return [spec for spec in kind.editable if spec in pages.offered(scope, kind) or spec.name in request.form]


def after_writing(scope: Scope, kind: RecordKind, record: Record) -> str:
    """Where to look next: the record, or the list if it was given out of the asker's sight."""
    if not may_see(scope, kind, record.owner_id):
        return url_for(".list")
    return url_for(".show", record_id=record.id)


def scope_may_delete(scope: Scope, kind: RecordKind) -> None:
    """Deleting in bulk needs the permission that deleting one does; raises Forbidden."""
    actions.require(scope, kind.permission("delete"))


def counted(count: int, kind: RecordKind) -> str:
    return f"{count:,} {(kind.label if count == 1 else kind.label_plural).lower()}"
