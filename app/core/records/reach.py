"""Whose records of a kind the asker sees and changes: the one rule, said of owners. Pure.

Queries turn it into one condition (`queries.visible`), pages and actions ask it of one record, imports of a row.
Owners are a set of people, or None: everybody's and nobody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from app.core.access import Reach
from app.core.errors import Forbidden
from app.core.records.kind import RecordKind

if TYPE_CHECKING:
    from app.core.scope import Scope

Owners = frozenset[UUID] | None


def owners_seen(scope: Scope, kind: RecordKind) -> Owners:
    """Whose records the asker sees."""
    return _owners(scope, scope.reach_of(kind.name).sees)


def owners_changed(scope: Scope, kind: RecordKind) -> Owners:
    """Whose records the asker changes and deletes: of those they see."""
    reach = scope.reach_of(kind.name)
    return _owners(scope, reach.changes if reach.sees.covers(reach.changes) else reach.sees)


def may_see(scope: Scope, kind: RecordKind, owner: UUID | None) -> bool:
    return _holds(owners_seen(scope, kind), owner)


def may_change(scope: Scope, kind: RecordKind, owner: UUID | None) -> bool:
    return _holds(owners_changed(scope, kind), owner)


def require_change(scope: Scope, kind: RecordKind, owner: UUID | None) -> None:
    """Raises Forbidden for a record that the asker sees and may not change."""
    if not may_change(scope, kind, owner):
        raise Forbidden(f"You can see this {kind.label.lower()}, but it is not yours to change.")


def first_owner(scope: Scope, kind: RecordKind, wanted: UUID | None) -> UUID | None:
    """Who owns a new record: whoever cannot choose, or would not see what belongs to nobody, owns it themselves."""
    everything = owners_seen(scope, kind) is None and owners_changed(scope, kind) is None
    return wanted if wanted or (everything and may_assign(scope, kind)) else scope.user_id


def may_assign(scope: Scope, kind: RecordKind) -> bool:
    return scope.may(kind.permission("assign"))


def owner_errors(scope: Scope, kind: RecordKind, before: UUID | None, after: UUID | None) -> dict[str, str]:
    """A sentence at the owner's field if the asker may not make this change of owner."""
    if before == after or may_assign(scope, kind):
        return {}
    return {"owner_id": f"Your role does not allow deciding whose a {kind.label.lower()} is. Ask an administrator."}


def new_owner_errors(scope: Scope, kind: RecordKind, owner: UUID | None) -> dict[str, str]:
    """The same for a new record: one's own it may always be, or nobody's."""
    return {} if owner == scope.user_id else owner_errors(scope, kind, None, owner)


def reach_key(scope: Scope, kind: RecordKind) -> str:
    """What tells what the asker sees of a kind from what others see: part of every cache key of a list or number."""
    owners = owners_seen(scope, kind)
    return "all" if owners is None else ",".join(sorted(map(str, owners)))


def _owners(scope: Scope, reach: Reach) -> Owners:
    me = frozenset() if scope.user_id is None else frozenset({scope.user_id})
    match reach:
        case Reach.ALL:
            return None
        case Reach.TEAM:
            return scope.colleagues | me
        case Reach.OWN:
            return me
        case _:
            return frozenset()


def _holds(owners: Owners, owner: UUID | None) -> bool:
    return owners is None or owner in owners
