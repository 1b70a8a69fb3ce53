"""Roles, and the one table of what they may do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.core.access import ACTIONS, KINDS

ROLES = ("owner", "admin", "manager", "agent", "viewer")

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
_BEYOND: dict[str, frozenset[str]] = {
    "admin": frozenset({"tenant:manage", "user:manage"}),
    "owner": frozenset({"tenant:manage", "user:manage"}),
}
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

PASSWORD_MIN = 12
PASSWORD_MAX = 200


def permissions_of(role: str, kinds: Iterable[str] | None = None) -> frozenset[str]:
    """Everything the role may do, as `resource:action`; nothing for a role that does not exist."""
    actions = _ON_RECORDS.get(role, frozenset())
    records = {f"{kind}:{action}" for kind in (KINDS if kinds is None else kinds) for action in actions}
    return frozenset(records | _BEYOND.get(role, frozenset()))


def email_key(email: str) -> str:
    """What two spellings of one address have in common: trimmed, NFKC, lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def is_slug(text: str) -> bool:
    """Lower-case letters, digits and hyphens, up to 63: it stands in host names and paths."""
    return _SLUG.fullmatch(text) is not None


def is_expired(at: datetime, *, expires_at: datetime, last_seen_at: datetime, idle: timedelta) -> bool:
    """A session ends at a fixed time, and earlier if nobody uses it."""
    return at >= expires_at or at >= last_seen_at + idle
