"""Permissions, and the declaration of access that every route carries.

A permission is ``resource:action``. Roles map to permissions in one table (`accounts.rules`). A route says
what it needs with `@requires`, `@signed_in` or `@public`; the pipeline refuses a route that says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed-in"
OPERATOR = "operator"
ACTIONS = ("read", "create", "update", "delete", "assign", "export", "import", "share")


class Reach(StrEnum):
    """How far a role's hand goes among the records of one kind; each holds all before it."""

    NONE = "none"
    OWN = "own"
    TEAM = "team"
    ALL = "all"

    def covers(self, other: Reach) -> bool:
        order = list(Reach)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class KindReach:
    """Which records of a kind someone sees, and which of those they may change or delete."""

    sees: Reach = Reach.NONE
    changes: Reach = Reach.NONE


NOTHING = KindReach()
EVERYTHING = KindReach(Reach.ALL, Reach.ALL)

KINDS: set[str] = set()
"""Every kind of record there is; roles hold permissions on all of them by action."""


PERMISSIONS: dict[str, str] = {}
"""Every permission beyond records, with the line that says what it allows."""

ACTION_LINES = {
    "read": "See them",
    "create": "Add new ones",
    "update": "Change them, write notes",
    "delete": "Delete and restore them",
    "assign": "Give them to another owner",
    "export": "Download them as files",
    "import": "Import files",
    "share": "Share views with everybody, manage others' notes and views",
}
"""What each action on a kind of record means; a permission is `<kind>:<action>`."""


def register_permission(name: str, line: str) -> None:
    """Makes a permission beyond records exist; `line` stands beside it where roles are made."""
    if name.count(":") != 1:
        raise ValueError(f"A permission is written resource:action, not {name!r}.")
    PERMISSIONS[name] = line


def register_kind(name: str) -> None:
    """Makes `<name>:read`, `<name>:create` … exist. Called where the kind is described."""
    if not name.isidentifier():
        raise ValueError(f"A kind is one lower-case word, not {name!r}.")
    KINDS.add(name)


@dataclass(frozen=True, slots=True)
class Access:
    """What a route needs: `PUBLIC`, `SIGNED_IN`, `OPERATOR`, or the name of a permission."""

    need: str
    reason: str = ""


def requires(permission: str) -> Callable[[View], View]:
    """The asker's role must hold this permission."""
    if permission.count(":") != 1:
        raise ValueError(f"A permission is written resource:action, not {permission!r}.")
    return _declare(Access(permission))


def signed_in(view: View) -> View:
    """Anyone who is signed in to the tenant."""
    return _declare(Access(SIGNED_IN))(view)


def operator(view: View) -> View:
    """An operator of the whole installation, at its console: nobody of any tenant, whatever their role (ADR 27)."""
    return _declare(Access(OPERATOR))(view)


def public(reason: str) -> Callable[[View], View]:
    """Anyone at all; `reason` says why that is safe and is shown in the route table."""
    return _declare(Access(PUBLIC, reason))


def writes_on_get(reason: str) -> Callable[[View], View]:
    """A GET of this route may write, for the reason given. Every other GET runs in a read-only transaction."""

    def mark(view: View) -> View:
        view.__writes_on_get__ = reason  # type: ignore[attr-defined]
        return view

    return mark


def unattended(view: View) -> View:
    """Pages ask this by themselves, so asking it does not count as using the session."""
    view.__unattended__ = True  # type: ignore[attr-defined]
    return view


def accepts_uploads(view: View) -> View:
    """This route's body may be as large as a file (`Settings.max_upload`), for someone who is signed in."""
    view.__accepts_uploads__ = True  # type: ignore[attr-defined]
    return view


def accepts_bodies(most: int) -> Callable[[View], View]:
    """This route reads its body itself, block by block, and takes up to `most` bytes of it from anyone it lets in."""

    def mark(view: View) -> View:
        view.__accepts_bodies__ = most  # type: ignore[attr-defined]
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access | None:
    """What the route declared, or None if it declared nothing."""
    return getattr(view, "__access__", None)


def _declare(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.__access__ = access  # type: ignore[attr-defined]
        return view

    return mark
