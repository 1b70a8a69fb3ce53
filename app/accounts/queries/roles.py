"""The roles there are, built-in and the tenant's own, and the teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.accounts.models import Role, Team, TeamMember, User
from app.accounts.queries.people import get_user
from app.accounts.rules import CUSTOM, OWNER, ROLES, Rights, name_key, rights_of_custom, rights_of_role, why_not_role
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role as pages show it. `key` stands in forms: the name of a built-in role, or the id of a tenant's own."""

    key: str
    name: str
    description: str
    rights: Rights
    people: int = 0
    id: UUID | None = None
    version: int = 0
    permissions: tuple[str, ...] = ()
    reach: Mapping[str, Any] = field(default_factory=dict)

    @property
    def built_in(self) -> bool:
        return self.id is None

    @property
    def role(self) -> str:
        """What stands in `users.role`."""
        return CUSTOM if self.id else self.key


DESCRIPTIONS = {
    "owner": "Everything, and the only ones who can make or change owners.",
    "admin": "Everything but owners: people, roles, sign-in rules, the audit log.",
    "manager": "All records, imports, shared views, others' notes.",
    "agent": "All records: add, change, delete, assign and export.",
    "viewer": "Sees all records and changes nothing.",
}


def list_roles(scope: Scope) -> list[RoleInfo]:
    """The built-in ones, then the tenant's own by name, each with how many people have it."""
    counted = select(User.role, User.role_id, func.count()).where(User.tenant_id == scope.tenant_id)
    rows = db.session.execute(counted.group_by(User.role, User.role_id)).all()
    people = {str(role_id or role): count for role, role_id, count in rows}
    built_in = [
        RoleInfo(name, name.capitalize(), DESCRIPTIONS[name], rights_of_role(name), people.get(name, 0))
        for name in ROLES
    ]
    own = db.session.scalars(select(Role).where(Role.tenant_id == scope.tenant_id).order_by(Role.name_key))
    return built_in + [_role_info(row, people.get(str(row.id), 0)) for row in own]


def find_role(scope: Scope, key: str) -> RoleInfo | None:
    """A role by what stands in forms: a built-in name or an id of this tenant's own."""
    return next((role for role in list_roles(scope) if role.key == key), None)


def get_role(scope: Scope, role_id: UUID, *, lock: bool = False) -> Role:
    """A role of the tenant's own. Raises NotFound."""
    query = select(Role).where(Role.tenant_id == scope.tenant_id, Role.id == role_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This role does not exist, or is not yours to see.")
    return found


def find_role_named(scope: Scope, name: str) -> Role | None:
    query = select(Role).where(Role.tenant_id == scope.tenant_id, Role.name_key == name_key(name))
    return db.session.scalars(query).one_or_none()


def get_rights_of(scope: Scope, user: User) -> Rights:
    """What this person's role allows, read now."""
    if user.role_id is None:
        return rights_of_role(user.role)
    role = get_role(scope, user.role_id)
    return rights_of_custom(role.permissions, role.reach)


def _role_info(row: Role, people: int = 0) -> RoleInfo:
    return RoleInfo(
        key=str(row.id),
        name=row.name,
        description=row.description,
        rights=rights_of_custom(row.permissions, row.reach),
        people=people,
        id=row.id,
        version=row.version,
        permissions=tuple(row.permissions),
        reach=row.reach,
    )


@dataclass(frozen=True, slots=True)
class TeamInfo:
    id: UUID
    name: str
    version: int
    members: tuple[UUID, ...] = ()


def list_teams(scope: Scope) -> list[TeamInfo]:
    """The tenant's teams by name, with who is in each."""
    rows = db.session.scalars(select(Team).where(Team.tenant_id == scope.tenant_id).order_by(Team.name_key)).all()
    pairs = db.session.execute(
        select(TeamMember.team_id, TeamMember.user_id).where(TeamMember.tenant_id == scope.tenant_id)
    )
    members: dict[UUID, list[UUID]] = {}
    for team_id, user_id in pairs:
        members.setdefault(team_id, []).append(user_id)
    return [TeamInfo(row.id, row.name, row.version, tuple(sorted(members.get(row.id, ())))) for row in rows]


def get_team(scope: Scope, team_id: UUID, *, lock: bool = False) -> Team:
    """Raises NotFound."""
    query = select(Team).where(Team.tenant_id == scope.tenant_id, Team.id == team_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This team does not exist, or is not yours to see.")
    return found


def list_team_ids(scope: Scope, user_id: UUID) -> list[UUID]:
    """The teams this person is in."""
    query = select(TeamMember.team_id).where(TeamMember.tenant_id == scope.tenant_id, TeamMember.user_id == user_id)
    return sorted(db.session.scalars(query))


def is_colleague(scope: Scope, user_id: UUID) -> bool:
    """Whether this person is in a team of the asker's, read now."""
    if scope.user_id is None:
        return False
    return not set(list_team_ids(scope, scope.user_id)).isdisjoint(list_team_ids(scope, user_id))


def get_asker(scope: Scope) -> tuple[str, Rights]:
    """The asker's role and rights, read now and not at the request's beginning; the system may all an owner may.

    Never by `scope.role`, which is a name a tenant may choose.
    """
    if scope.user_id is None:
        return OWNER, Rights(scope.permissions, scope.reach, scope.reach_elsewhere)
    asker = get_user(scope, scope.user_id)
    db.session.refresh(asker)
    held = get_rights_of(scope, asker)
    # No more than the request may: a program's token holds less than its owner.
    return asker.role, Rights(held.permissions & scope.permissions, held.reach, held.reach_elsewhere)


def list_grantable(scope: Scope) -> list[RoleInfo]:
    """The roles the asker may give to somebody."""
    asker_role, held = get_asker(scope)
    return [role for role in list_roles(scope) if why_not_role(asker_role, held, role.role, role.rights) is None]


def find_refusal(scope: Scope, user: User) -> str | None:
    """Why the asker may not change this person; None if they may."""
    if user.id == scope.user_id:
        return "This is you. Nobody changes their own role; another administrator can."
    return why_not_role(*get_asker(scope), user.role, get_rights_of(scope, user))
