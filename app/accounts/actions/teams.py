"""Teams: who sees each other's records when their role's reach is `team`."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from app.accounts.actions.rights import check_member, check_person, check_team, write_members
from app.accounts.actions.sessions import ask_renewal
from app.accounts.events import RightsChanged, TeamCreated, TeamDeleted, TeamUpdated
from app.accounts.models import Team, TeamMember
from app.accounts.queries import get_team
from app.accounts.rules import name_key
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db


def create_team(scope: Scope, name: str, members: Iterable[UUID] = ()) -> UUID:
    """Adds a team. Raises Invalid: the name is taken, or somebody is not here; Forbidden: see `set_members`."""
    _check_name(scope, name)
    row = Team(
        tenant_id=scope.tenant_id,
        id=new_id(),
        name=name,
        name_key=name_key(name),
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, TeamCreated("team", row.id, name))
    _set_members(scope, row, members)
    return row.id


def update_team(scope: Scope, team_id: UUID, version: int, name: str, members: Iterable[UUID]) -> None:
    """Renames a team and says who is in it.

    Raises:
        NotFound: there is no such team here.
        Conflict: somebody changed it since `version`.
        Invalid: the name is taken.
        Forbidden: the asker does not see the team's records, so may not decide who does.
    """
    row = get_team(scope, team_id, lock=True)
    if row.version != version:
        raise Conflict(f"The team {row.name} was changed meanwhile.", version=row.version)
    if name_key(name) != row.name_key:
        _check_name(scope, name)
    before = row.name
    row.name, row.name_key = name, name_key(name)
    row.version += 1
    row.updated_at = scope.now
    db.session.flush()
    publish(scope, TeamUpdated("team", row.id, before=before, after=name))
    _set_members(scope, row, members)


def delete_team(scope: Scope, team_id: UUID) -> None:
    """Deletes a team; its people stay. Raises NotFound, Forbidden."""
    row = get_team(scope, team_id, lock=True)
    _set_members(scope, row, ())
    publish(scope, TeamDeleted("team", row.id, row.name))
    db.session.delete(row)
    db.session.flush()


def _set_members(scope: Scope, row: Team, members: Iterable[UUID]) -> None:
    """Everybody in the team sees other records from now on, so all of them get a new session token."""
    now_in, wanted = set(_members(scope, row.id)), set(members)
    changed = now_in ^ wanted
    if not changed:
        return
    check_team(scope, row.id)
    for user_id in sorted(changed):
        check_person(scope, user_id, f"team {row.name}", own=True)
        if user_id in wanted:
            check_member(scope, user_id)
    write_members(
        scope, add=[(row.id, one) for one in wanted - now_in], drop=[(row.id, one) for one in now_in - wanted]
    )
    for user_id in sorted(changed):
        joined = {"team": row.name, "member": user_id in wanted}
        publish(scope, RightsChanged("user", user_id, before={**joined, "member": user_id in now_in}, after=joined))
        ask_renewal(scope, user_id)


def _members(scope: Scope, team_id: UUID) -> list[UUID]:
    query = select(TeamMember.user_id).where(TeamMember.tenant_id == scope.tenant_id, TeamMember.team_id == team_id)
    return list(db.session.scalars(query))


def _check_name(scope: Scope, name: str) -> None:
    taken = select(Team.id).where(Team.tenant_id == scope.tenant_id, Team.name_key == name_key(name))
    if db.session.scalars(taken).first() is not None:
        raise Invalid({"name": f"There is a team called {name} already. Choose another name."})
