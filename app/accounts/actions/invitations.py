"""Inviting people: a row that cannot sign in yet, and a link in a mail that makes it one who can."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts import passwords
from app.accounts.actions.links import DeadLink, end_links, issue_link, record_use, redeem_link
from app.accounts.actions.rights import check_person, check_team, pick_role, touch, write_members
from app.accounts.events import InvitationSentAgain, InvitationWithdrawn, UserInvited, UserJoined
from app.accounts.models import User
from app.accounts.queries import TenantInfo, find_user_by_email, get_user, list_teams, user_scope
from app.accounts.rules import INVITATION, PURPOSES, Dead, email_key, judge_password
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail

ALREADY_HERE = "is here already"
JOINED = "This person has joined already; there is nothing left to invite them to."


def invite_user(scope: Scope, *, email: str, name: str, role: str, team_ids: Iterable[UUID] = ()) -> UUID:
    """Adds a person who has not come yet, and mails them a link.

    Raises:
        Conflict: somebody here has the address already; the message says who, and how they are.
        Invalid, Forbidden: the role or a team is gone, or more than the asker may give.
    """
    picked = pick_role(scope, role)
    wanted = set(team_ids)
    if not wanted <= {team.id for team in list_teams(scope)}:
        raise Invalid({"teams": "One of these teams is gone. Choose again."})
    for team_id in wanted:
        check_team(scope, team_id)
    if (found := find_user_by_email(email)) is not None:
        raise Conflict(_why_here(found))
    user = User(
        tenant_id=scope.tenant_id,
        id=new_id(),
        email=email,
        email_key=email_key(email),
        name=name or email.partition("@")[0],
        role=picked.role,
        role_id=picked.id,
        invited_at=scope.now,
        created_at=scope.now,
        updated_at=scope.now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError as taken:
        raise Conflict(f"{email} {ALREADY_HERE}.") from taken
    write_members(scope, add=[(team_id, user.id) for team_id in wanted])
    publish(scope, UserInvited("user", user.id, picked.name))
    mail_invitation(scope, user)
    return user.id


def resend_invitation(scope: Scope, user_id: UUID) -> None:
    """Mails a new link; the one before ends.

    Raises:
        NotFound, Forbidden: as for any change of a person.
        Conflict: they have joined already.
    """
    user = _invited(scope, user_id)
    user.invited_at = scope.now
    touch(scope, user)
    publish(scope, InvitationSentAgain("user", user.id))
    mail_invitation(scope, user)


def withdraw_invitation(scope: Scope, user_id: UUID) -> None:
    """Takes the invitation back: the person goes, or is disabled if something is theirs already.

    Raises:
        NotFound, Forbidden, Conflict: as for `resend_invitation`.
    """
    user = _invited(scope, user_id)
    end_links(scope, user.id, INVITATION)
    publish(scope, InvitationWithdrawn("user", user.id))
    try:
        with db.session.begin_nested():
            db.session.delete(user)
    except IntegrityError:
        user = get_user(scope, user_id, lock=True)
        user.disabled_at = scope.now
        touch(scope, user)


def accept_invitation(tenant: TenantInfo, token: str, *, name: str, password: str | None, at: datetime) -> User:
    """Uses the link up: the person has a name, a password (or comes by single sign-on) and a confirmed address.

    Returns the person, for whom a session may begin.

    Raises:
        DeadLink: the link is not good any more.
        Invalid: the password is not good enough.
    """
    link = redeem_link(tenant.id, token, at, INVITATION)
    scope = user_scope(tenant.id, link.user_id, at)
    user = get_user(scope, link.user_id, lock=True)
    if user.joined_at is not None:
        raise DeadLink(Dead.USED, INVITATION)
    if password is not None:
        strength = judge_password(password, (name, user.email, tenant.name))
        if not strength.fits:
            raise Invalid({"password": strength.sentence})
        user.password_hash = passwords.hash_password(password)
        user.password_changed_at = at
    user.name = name or user.name
    user.joined_at = user.email_confirmed_at = at
    touch(scope, user)
    record_use(scope, link)
    publish(scope, UserJoined("user", user.id))
    return user


def mail_invitation(scope: Scope, user: User) -> None:
    """Issues a link to an invited person and mails it; `scope` is who invites, or the system."""
    token = issue_link(scope, INVITATION, user.id)
    days = PURPOSES[INVITATION].lifetime.days
    send_mail(
        scope,
        to=Recipient(user.name, user.email),
        template="accounts/invitation",
        context={"token": token, "name": user.name, "by": scope.user_name if scope.user_id else "", "days": days},
    )


def _invited(scope: Scope, user_id: UUID) -> User:
    user = check_person(scope, user_id, "invitation")
    if user.joined_at is not None or user.invited_at is None:
        raise Conflict(JOINED)
    return user


def _why_here(found: User) -> str:
    if found.disabled_at is not None:
        return f"{found.email} {ALREADY_HERE}, but disabled: enable them on their page."
    if found.joined_at is None:
        return f"{found.email} is invited already: send the invitation again on their page."
    return f"{found.email} {ALREADY_HERE}."
