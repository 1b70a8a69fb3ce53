"""People of one tenant with roles and teams of the tenant's own, for tests of what such roles allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts import actions, queries
from app.accounts.models import Role, Team, TeamMember, User
from app.accounts.rules import CUSTOM, name_key
from app.core.clock import new_id, now
from app.core.events import turn_over
from app.core.scope import Scope
from app.extensions import db
from tests.support.servers import PASSWORD

Reaches = Mapping[str, tuple[str, str]]
_numbers = count(1)


class Crowd:
    """`crowd.role(…)`, `crowd.team("North", ids)`, `crowd.person(role_id)`: rows, written as the actions leave them."""

    def __init__(self, scope: Scope, inside: Callable[..., Any]) -> None:
        self.scope, self.inside = scope, inside

    def role(self, permissions: Iterable[str], reach: Reaches, name: str = "") -> UUID:
        """A role with these permissions; `reach` maps a kind to what it sees and what it changes."""
        with self.inside(self.scope):
            called = name or f"Role {next(_numbers)}"
            row = Role(
                tenant_id=self.scope.tenant_id,
                id=new_id(),
                name=called,
                name_key=name_key(called),
                description="",
                permissions=sorted(permissions),
                reach={kind: {"sees": sees, "changes": changes} for kind, (sees, changes) in reach.items()},
                created_at=now(),
                updated_at=now(),
            )
            db.session.add(row)
            turn_over(self.scope.tenant_id, "role")
            db.session.flush()
            return row.id

    def person(self, role: UUID | str = "viewer", *, name: str = "", email: str = "") -> tuple[UUID, str]:
        """Someone with a built-in role or one of the tenant's own; their id and address."""
        number = next(_numbers)
        address = email or f"person{number}@{self.scope.tenant_slug}.example"
        with self.inside(self.scope):
            user_id = actions.create_user(
                self.scope,
                email=address,
                name=name or f"Person {number}",
                role=role if isinstance(role, str) else "viewer",
                password=PASSWORD,
            )
            if isinstance(role, UUID):
                row = db.session.get_one(User, (self.scope.tenant_id, user_id))
                row.role, row.role_id = CUSTOM, role
        return user_id, address

    def team(self, name: str, members: Iterable[UUID] = ()) -> UUID:
        """The team of this name, made if there is none, with these people in it as well."""
        tenant_id = self.scope.tenant_id
        with self.inside(self.scope):
            row = db.session.scalars(select(Team).where(Team.name_key == name_key(name))).one_or_none()
            if row is None:
                row = Team(
                    tenant_id=tenant_id,
                    id=new_id(),
                    name=name,
                    name_key=name_key(name),
                    created_at=now(),
                    updated_at=now(),
                )
                db.session.add(row)
                db.session.flush()
            for user_id in members:
                db.session.add(TeamMember(tenant_id=tenant_id, id=new_id(), team_id=row.id, user_id=user_id))
            turn_over(tenant_id, "team")
            db.session.flush()
            return row.id

    def scope_of(self, user_id: UUID) -> Scope:
        """What this person may do now."""
        with self.inside(self.scope):
            return queries.user_scope(self.scope.tenant_id, user_id, now())

    def id_of(self, role: str) -> UUID:
        """The one person everybody starts with in this built-in role."""
        with self.inside(self.scope):
            address = f"{role}@{self.scope.tenant_slug}.example"
            return db.session.scalars(select(User.id).where(User.email_key == address)).one()
