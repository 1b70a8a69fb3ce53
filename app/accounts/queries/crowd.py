"""People as the page of all of them shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from app.accounts.models import Role, Team, TeamMember, User, UserSession
from app.accounts.rules import email_key
from app.core.scope import Scope
from app.extensions import db

PAGE_SIZE = 50
STATUSES = ("active", "invited", "disabled")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of the list."""

    id: UUID
    name: str
    email: str
    role: str
    status: str
    teams: tuple[str, ...]
    last_sign_in_at: datetime | None
    sort: str = ""
    """What the list is sorted by, for its cursors."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is filtered by; `role` is a built-in name or an id, `after` and `before` a row's name and id."""

    q: str = ""
    role: str = ""
    team: str = ""
    status: str = ""
    after: tuple[str, UUID] | None = None
    before: tuple[str, UUID] | None = None


@dataclass(frozen=True, slots=True)
class People:
    """A page of people; `more` says whether the list goes on in the direction it was asked in."""

    rows: tuple[PersonRow, ...]
    more: bool


def list_people(scope: Scope, wanted: Wanted) -> People:
    """A page of the tenant's people by name. A tenant has few thousand at most: a scan of them is one read."""
    order: Any = (_sort_name(), User.id)
    query = (
        select(User, Role.name, _sort_name())
        .outerjoin(Role, and_(Role.tenant_id == User.tenant_id, Role.id == User.role_id))
        .where(User.tenant_id == scope.tenant_id, *_conditions(wanted))
    )
    if wanted.before:
        query = query.where(tuple_(*order) < wanted.before).order_by(*(part.desc() for part in order))
    elif wanted.after:
        query = query.where(tuple_(*order) > wanted.after).order_by(*order)
    else:
        query = query.order_by(*order)
    found = db.session.execute(query.limit(PAGE_SIZE + 1)).all()
    page = found[:PAGE_SIZE]
    if wanted.before:
        page = page[::-1]
    teams = _teams_of(scope, [user.id for user, _, _ in page])
    rows = tuple(_row(user, role, teams.get(user.id, ()), sort) for user, role, sort in page)
    return People(rows, len(found) > PAGE_SIZE)


def count_people(scope: Scope, wanted: Wanted) -> int:
    """How many people match, whatever page is shown."""
    query = select(func.count()).select_from(User).where(User.tenant_id == scope.tenant_id, *_conditions(wanted))
    return int(db.session.scalar(query) or 0)


def count_sessions(scope: Scope, user_id: UUID, at: datetime) -> int:
    """How many browsers the person is signed in with."""
    mine = (UserSession.tenant_id == scope.tenant_id, UserSession.user_id == user_id, UserSession.expires_at > at)
    return int(db.session.scalar(select(func.count()).select_from(UserSession).where(*mine)) or 0)


def status_of(user: User) -> str:
    if user.disabled_at is not None:
        return "disabled"
    return "active" if user.joined_at is not None else "invited"


def _sort_name() -> Any:
    return func.lower(User.name).collate("C")


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.q:
        text, address = wanted.q.lower(), email_key(wanted.q)
        found.append(or_(func.strpos(func.lower(User.name), text) > 0, func.strpos(User.email_key, address) > 0))
    if wanted.role:
        found.append(_has_role(wanted.role))
    if team := _uuid(wanted.team):
        members = select(TeamMember.user_id).where(TeamMember.tenant_id == User.tenant_id, TeamMember.team_id == team)
        found.append(User.id.in_(members))
    match wanted.status:
        case "active":
            found += [User.disabled_at.is_(None), User.joined_at.is_not(None)]
        case "invited":
            found += [User.disabled_at.is_(None), User.joined_at.is_(None)]
        case "disabled":
            found.append(User.disabled_at.is_not(None))
    return found


def _has_role(key: str) -> ColumnElement[bool]:
    role_id = _uuid(key)
    return User.role_id == role_id if role_id else User.role == key


def _teams_of(scope: Scope, user_ids: list[UUID]) -> dict[UUID, tuple[str, ...]]:
    pairs = db.session.execute(
        select(TeamMember.user_id, Team.name)
        .join(Team, and_(Team.tenant_id == TeamMember.tenant_id, Team.id == TeamMember.team_id))
        .where(TeamMember.tenant_id == scope.tenant_id, TeamMember.user_id.in_(user_ids))
        .order_by(Team.name_key)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for user_id, name in pairs:
        found[user_id] = (*found.get(user_id, ()), name)
    return found


def _row(user: User, role: str | None, teams: tuple[str, ...], sort: str) -> PersonRow:
    return PersonRow(
        id=user.id,
        name=user.name,
        email=user.email,
        role=role or user.role.capitalize(),
        status=status_of(user),
        teams=teams,
        last_sign_in_at=user.last_sign_in_at,
        sort=sort,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
