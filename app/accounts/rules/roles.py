"""Roles, and the one table of what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.access import (
    ACTIONS,
    EVERYTHING,
    KINDS,
    NOTHING,
    PERMISSIONS,
    KindReach,
    Reach,
    register_permission,
)

ROLES = ("owner", "admin", "manager", "agent", "viewer")
CUSTOM = "custom"
"""What stands in `users.role` for someone with a role of the tenant's own."""

register_permission("tenant:manage", "Change the organisation's name, sign-in rules, single sign-on and retention")
register_permission("user:manage", "Invite people, change their roles and teams, unlock and disable them")
register_permission("role:manage", "Make and change roles")
register_permission("audit:read", "Read and export the audit log: of everybody, whatever their own reach")
register_permission(
    "desk:manage",
    "Set up the service desk: categories, calendars, service levels, mailboxes, canned replies, classifier",
)
register_permission("privacy:manage", "Export and erase a person's data")

_READ = frozenset({"read"})
_WORK = _READ | {"create", "update", "delete", "assign", "export"}
_LEAD = _WORK | {"import", "share"}

# What each role may do with every kind of record, and beyond records. A new kind needs no entry.
_ON_RECORDS: dict[str, frozenset[str]] = {
    "viewer": _READ,
    "agent": _WORK,
    "manager": _LEAD,
    "admin": frozenset(ACTIONS),
    "owner": frozenset(ACTIONS),
}
_DESK = frozenset({"desk:manage"})
_ADMINISTER = _DESK | {"tenant:manage", "user:manage", "role:manage", "audit:read", "privacy:manage"}
_BEYOND: dict[str, frozenset[str]] = {"manager": _DESK, "admin": _ADMINISTER, "owner": _ADMINISTER}


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role allows: permissions, and per record kind how far they reach."""

    permissions: frozenset[str] = frozenset()
    reach: Mapping[str, KindReach] = field(default_factory=dict)
    reach_elsewhere: KindReach = NOTHING

    def reach_of(self, kind: str) -> KindReach:
        return self.reach.get(kind, self.reach_elsewhere)


def permissions_of(role: str, kinds: Iterable[str] | None = None) -> frozenset[str]:
    """Everything the built-in role may do, as `resource:action`; nothing for a role that does not exist."""
    actions = _ON_RECORDS.get(role, frozenset())
    records = {f"{kind}:{action}" for kind in (KINDS if kinds is None else kinds) for action in actions}
    return frozenset(records | _BEYOND.get(role, frozenset()))


def rights_of_role(role: str) -> Rights:
    """What a built-in role allows: it reaches every record of the tenant."""
    return Rights(permissions_of(role), reach_elsewhere=EVERYTHING if role in ROLES else NOTHING)


def rights_of_custom(permissions: Iterable[str], reach: Mapping[str, Any]) -> Rights:
    """What a stored role of the tenant's own allows. A permission or kind that is gone allows nothing."""
    reaches = {kind: _kind_reach(stored) for kind, stored in reach.items() if kind in KINDS}
    held = {name for name in permissions if _is_known(name)}
    seen = {name for name in held if name.partition(":")[0] not in KINDS or _sees(reaches, name)}
    return Rights(frozenset(seen), reaches)


def can_grant(granter: Rights, role: Rights) -> bool:
    """Nobody gives away more than they have: not a permission, and not a reach."""
    return role.permissions <= granter.permissions and all(
        granter.reach_of(kind).sees.covers(role.reach_of(kind).sees)
        and granter.reach_of(kind).changes.covers(role.reach_of(kind).changes)
        for kind in KINDS
    )


def _is_known(permission: str) -> bool:
    kind, _, action = permission.partition(":")
    return permission in PERMISSIONS or (kind in KINDS and action in ACTIONS)


def _sees(reaches: Mapping[str, KindReach], permission: str) -> bool:
    return reaches.get(permission.partition(":")[0], NOTHING).sees is not Reach.NONE


def _kind_reach(stored: Mapping[str, Any]) -> KindReach:
    """What is changed is seen: a role never changes further than it sees."""
    sees, changes = Reach(stored.get("sees", "none")), Reach(stored.get("changes", "none"))
    return KindReach(sees, changes if sees.covers(changes) else sees)
