"""What a request says, read: the list it means, and whether it may; and how a number of records is said."""

from __future__ import annotations

from flask import request

from app.core import people
from app.core.records import actions, listing
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind
from app.core.scope import Scope


def parse_context(scope: Scope) -> ParseContext:
    return ParseContext(scope, people.ByAnyName(scope))


def read_listing(kind: RecordKind, scope: Scope) -> listing.ListRequest:
    """The list's state from this request's address."""
    return listing.read(kind, request.args.to_dict(flat=False), parse_context(scope))


def scope_may_delete(scope: Scope, kind: RecordKind) -> None:
    """Deleting in bulk needs the permission that deleting one does; raises Forbidden."""
    actions.require(scope, kind.permission("delete"))


def counted(count: int, kind: RecordKind) -> str:
    return f"{count:,} {(kind.label if count == 1 else kind.label_plural).lower()}"
