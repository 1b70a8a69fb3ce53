"""Changing what people may do: roles, teams, in and out. Every change is an event and renews their sessions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn
from uuid import UUID

from sqlalchemy import delete, select

from app.accounts.actions.api_tokens import revoke_api_token, revoke_api_tokens
from app.accounts.actions.links import end_links
from app.accounts.actions.sessions import ask_renewal, end_sessions
from app.accounts.events import IdentityUnlinked, RightsChanged, RightsRefused, UserDisabled, UserEnabled
from app.accounts.models import TeamMember, User
from app.accounts.queries import (
    RoleInfo,
    find_role,
    get_asker,
    get_rights_of,
    get_user,
    is_colleague,
    is_trusted_for,
    list_identities_of,
    list_team_ids,
    list_teams,
)
from app.accounts.rules import OWNER, why_not_member, why_not_role, why_not_team
from app.core import db as database
from app.core.clock import new_id
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

LAST_OWNER = "This is the last owner. Make somebody else an owner first."
OWN_ROLE = "Nobody changes their own role. Ask another administrator."


def change_role(scope: Scope, user_id: UUID, key: str) -> None:
    """Gives a person another role: a built-in one by its name, or one of the tenant's own by its id.

    Raises:
        NotFound: there is no such person here.
        Invalid: there is no such role, or this is the last owner.
        Forbidden: it is the asker, or the role before or after is more than the asker holds.
    """
    owners = _lock_owners(scope)
    user, role = check_person(scope, user_id, f"role {key}"), pick_role(scope, key)
    if (user.role, user.role_id) == (role.role, role.id):
        return
    before = _described(scope, user)
    if user.role == OWNER:
        _keep_an_owner(owners, user)
    user.role, user.role_id = role.role, role.id
    touch(scope, user)
    publish(scope, RightsChanged("user", user.id, before=before, after=_described(scope, user)))
    ask_renewal(scope, user.id)
    if scope.user_id is not None:
        _unlink_weaker(scope, user)


def _unlink_weaker(scope: Scope, user: User) -> None:
    """Of providers set up by somebody who could not give the person's new role, none speaks for them any more: else
    its keeper comes in as them. An owner who saves the provider lets them be linked again.
    """
    for identity, provider in list_identities_of(scope, user.id):
        if not is_trusted_for(scope, provider, user):
            db.session.delete(identity)
            publish(scope, IdentityUnlinked("user", user.id, provider.name))
    db.session.flush()


def change_teams(scope: Scope, user_id: UUID, team_ids: Iterable[UUID]) -> None:
    """Puts a person into these teams and no others.

    Raises:
        NotFound: there is no such person here.
        Invalid: there is no such team.
        Forbidden: the asker may not decide who is in one of them.
    """
    user = check_person(scope, user_id, "teams", own=True)
    before, wanted = set(list_team_ids(scope, user_id)), set(team_ids)
    if before == wanted:
        return
    names = {team.id: team.name for team in list_teams(scope)}
    if not wanted <= names.keys():
        raise Invalid({"teams": "One of these teams is gone. Choose again."})
    for team_id in before ^ wanted:
        check_team(scope, team_id)
    if wanted - before:
        check_member(scope, user_id)
    write_members(
        scope, add=[(one, user_id) for one in wanted - before], drop=[(one, user_id) for one in before - wanted]
    )
    touch(scope, user)
    told = [sorted(names[one] for one in ids) for ids in (before, wanted)]
    publish(scope, RightsChanged("user", user.id, before={"teams": told[0]}, after={"teams": told[1]}))
    ask_renewal(scope, user_id)


def disable_user(scope: Scope, user_id: UUID) -> None:
    """Shuts a person out at once: their sessions, programs, tokens and open links end.

    Raises:
        NotFound, Forbidden: as for `change_role`.
        Invalid: this is the last owner.
    """
    owners = _lock_owners(scope)
    user = check_person(scope, user_id, "disabled")
    if user.disabled_at is not None:
        return
    if user.role == OWNER:
        _keep_an_owner(owners, user)
    user.disabled_at = scope.now
    touch(scope, user)
    end_sessions(scope, user_id)
    revoke_api_tokens(scope, user_id)
    end_links(scope, user_id)
    publish(scope, UserDisabled("user", user_id))


def enable_user(scope: Scope, user_id: UUID) -> None:
    """Lets a person in again, as whom they were. Raises NotFound, Forbidden."""
    user = check_person(scope, user_id, "enabled")
    if user.disabled_at is None:
        return
    user.disabled_at = None
    touch(scope, user)
    publish(scope, UserEnabled("user", user_id))


def end_sessions_of(scope: Scope, user_id: UUID) -> None:
    """Signs a person out everywhere. Raises NotFound, Forbidden."""
    end_sessions(scope, check_person(scope, user_id, "sessions").id)


def revoke_token_of(scope: Scope, user_id: UUID, token_id: UUID) -> str:
    """Ends somebody's API token; returns its name. Raises NotFound, Forbidden."""
    return revoke_api_token(scope, check_person(scope, user_id, "tokens", own=True).id, token_id)


def pick_role(scope: Scope, key: str) -> RoleInfo:
    """A role the asker may give.

    Raises:
        Invalid: there is no such role.
        Forbidden: it is more than the asker holds.
    """
    role = find_role(scope, key)
    if role is None:
        raise Invalid({"role": "Choose one of the roles in the list."})
    asker_role, rights = get_asker(scope)
    if why := why_not_role(asker_role, rights, role.role, role.rights):
        refuse(scope, f"role {role.name}", why)
    return role


def check_person(scope: Scope, user_id: UUID, wanted: str, *, own: bool = False) -> User:
    """The person, locked, if the asker may change them.

    Raises:
        NotFound: there is no such person here.
        Forbidden: it is the asker themselves (unless `own`), or somebody who may do more.
    """
    user = get_user(scope, user_id, lock=True)
    if user_id == scope.user_id and not own:
        refuse(scope, wanted, OWN_ROLE)
    asker_role, rights = get_asker(scope)
    if user_id != scope.user_id and (why := why_not_role(asker_role, rights, user.role, get_rights_of(scope, user))):
        refuse(scope, wanted, why, user_id)
    return user


def check_team(scope: Scope, team_id: UUID) -> None:
    """Raises Forbidden: the asker may not decide who is in this team."""
    member = scope.user_id is not None and team_id in list_team_ids(scope, scope.user_id)
    if why := why_not_team(get_asker(scope)[1], member):
        refuse(scope, "team", why, team_id)


def check_member(scope: Scope, user_id: UUID) -> None:
    """Raises Forbidden: the asker may not show this person's records to a team."""
    if why := why_not_member(get_asker(scope)[1], user_id == scope.user_id or is_colleague(scope, user_id)):
        refuse(scope, "team", why, user_id)


def refuse(scope: Scope, wanted: str, why: str, subject_id: UUID | None = None) -> NoReturn:
    """Says no, and keeps that it was tried: the one thing of this request that is committed.

    Commits by itself, since the refusal rolls everything else back and the try must not be forgotten.
    """
    database.rollback()
    tried = subject_id or scope.user_id
    if tried is not None:
        publish(scope, RightsRefused("rights", tried, wanted=wanted, why=why))
    database.commit()
    raise Forbidden(why)


def write_members(
    scope: Scope, *, add: Iterable[tuple[UUID, UUID]] = (), drop: Iterable[tuple[UUID, UUID]] = ()
) -> None:
    """Puts people into teams and takes them out; pairs of team and person."""
    for team_id, user_id in drop:
        db.session.execute(
            delete(TeamMember).where(
                TeamMember.tenant_id == scope.tenant_id, TeamMember.team_id == team_id, TeamMember.user_id == user_id
            )
        )
    for team_id, user_id in add:
        db.session.add(TeamMember(tenant_id=scope.tenant_id, id=new_id(), team_id=team_id, user_id=user_id))
    db.session.flush()


def touch(scope: Scope, user: User) -> None:
    user.version += 1
    user.updated_at = scope.now
    db.session.flush()


def _lock_owners(scope: Scope) -> list[UUID]:
    """The owners who can sign in, locked in one order and before anybody else: of two who demote each other at
    once, the second sees what the first did.
    """
    owners = (
        select(User.id)
        .where(User.tenant_id == scope.tenant_id, User.role == OWNER)
        .where(User.disabled_at.is_(None), User.joined_at.is_not(None))
    )
    return list(db.session.scalars(owners.order_by(User.id).with_for_update()))


def check_stays_owned(scope: Scope, user_id: UUID) -> None:
    """Holds the owners until the transaction ends. Raises Invalid: this is the only one who can sign in."""
    if _lock_owners(scope) == [user_id]:
        raise Invalid({"": LAST_OWNER})


def _keep_an_owner(owners: list[UUID], leaving: User) -> None:
    """Raises Invalid: no other owner could sign in."""
    if not set(owners) - {leaving.id}:
        raise Invalid({"": LAST_OWNER})


def _described(scope: Scope, user: User) -> dict[str, str]:
    """A role as the log keeps it: its name as of then, and its id if it is the tenant's own."""
    role = find_role(scope, str(user.role_id or user.role))
    told = {"role": role.name if role else user.role}
    return told | ({"role_id": str(user.role_id)} if user.role_id else {})
