"""Roles of a tenant's own: made, changed, deleted by people who hold at least as much (ADR 21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts.actions.rights import OWN_ROLE, change_role, refuse
from app.accounts.actions.sessions import ask_renewal
from app.accounts.events import RoleCreated, RoleDeleted, RoleUpdated
from app.accounts.models import Role, User
from app.accounts.queries import find_role_named, get_asker, get_role, get_user
from app.accounts.rules import ROLES, Rights, name_key, rights_of_custom, why_not_role
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What a role's form says, checked for shape: known permissions, known kinds, known reaches."""

    name: str
    description: str
    permissions: tuple[str, ...]
    reach: Mapping[str, Mapping[str, str]]

    @property
    def rights(self) -> Rights:
        return rights_of_custom(self.permissions, self.reach)


def create_role(scope: Scope, facts: RoleFacts) -> UUID:
    """Adds a role to the tenant.

    Raises:
        Invalid: the name is taken.
        Forbidden: it may do more than the asker does.
    """
    _check_rights(scope, facts)
    _check_name(scope, facts.name)
    row = Role(
        tenant_id=scope.tenant_id,
        id=new_id(),
        created_at=scope.now,
        updated_at=scope.now,
        **_columns(facts),
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, RoleCreated("role", row.id, after=_told(row)))
    return row.id


def update_role(scope: Scope, role_id: UUID, version: int, facts: RoleFacts) -> None:
    """Changes a role; whoever has it gets a new session token at their next request.

    Raises:
        NotFound: there is no such role here.
        Conflict: somebody changed it since `version`; carries both.
        Invalid: the name is taken.
        Forbidden: it is the asker's own role, or may do more than the asker does, before or after.
    """
    row = get_role(scope, role_id, lock=True)
    _check_not_own(scope, row)
    _check_rights(scope, facts, row)
    if row.version != version:
        raise Conflict(
            f"The role {row.name} was changed meanwhile.", mine=_columns(facts), theirs=_told(row), version=row.version
        )
    before = _told(row)
    if {**_columns(facts), "name_key": ""} == {**before, "name_key": ""}:
        return
    if name_key(facts.name) != row.name_key:
        _check_name(scope, facts.name)
    for column, value in _columns(facts).items():
        setattr(row, column, value)
    row.version += 1
    row.updated_at = scope.now
    db.session.flush()
    publish(scope, RoleUpdated("role", row.id, before=before, after=_told(row)))
    for user_id in _people_with(scope, role_id):
        ask_renewal(scope, user_id)


def delete_role(scope: Scope, role_id: UUID, move_to: str | None = None) -> None:
    """Deletes a role. Its people get the role `move_to` first; without that, a role in use stays.

    Raises:
        NotFound: there is no such role here.
        Conflict: people have it, and no other role was named.
        Invalid, Forbidden: as for `change_role`, for each of them.
    """
    row = get_role(scope, role_id, lock=True)
    _check_not_own(scope, row)
    _check_rights(scope, None, row)
    people = _people_with(scope, role_id)
    if people and (not move_to or move_to == str(role_id)):
        have = "One person has" if len(people) == 1 else f"{len(people)} people have"
        raise Conflict(f"{have} the role {row.name}. Choose which role they get instead.")
    for user_id in people:
        change_role(scope, user_id, move_to or "")
    before = _told(row)
    db.session.delete(row)
    db.session.flush()
    publish(scope, RoleDeleted("role", role_id, before=before))


def _check_rights(scope: Scope, facts: RoleFacts | None, row: Role | None = None) -> None:
    asker_role, held = get_asker(scope)
    after = facts.rights if facts else Rights()
    before = rights_of_custom(row.permissions, row.reach) if row else Rights()
    for rights in (before, after):
        if why := why_not_role(asker_role, held, "", rights):
            refuse(scope, f"role {facts.name if facts else row.name if row else ''}", why, row.id if row else None)


def _check_not_own(scope: Scope, row: Role) -> None:
    if scope.user_id is not None and get_user(scope, scope.user_id).role_id == row.id:
        refuse(scope, f"role {row.name}", OWN_ROLE, row.id)


def _check_name(scope: Scope, name: str) -> None:
    if name_key(name) in ROLES or find_role_named(scope, name) is not None:
        raise Invalid({"name": f"There is a role called {name} already. Choose another name."})


def _people_with(scope: Scope, role_id: UUID) -> list[UUID]:
    query = select(User.id).where(User.tenant_id == scope.tenant_id, User.role_id == role_id).order_by(User.id)
    return list(db.session.scalars(query))


def _columns(facts: RoleFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "name_key": name_key(facts.name),
        "description": facts.description,
        "permissions": sorted(facts.permissions),
        "reach": {kind: dict(facts.reach[kind]) for kind in sorted(facts.reach)},
    }


def _told(row: Role) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "permissions": sorted(row.permissions),
        "reach": {kind: dict(row.reach[kind]) for kind in sorted(row.reach)},
    }
