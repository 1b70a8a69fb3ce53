"""Passwords: forgotten, new, changed. Addresses: confirmed, changed, and given back to whom they were taken from."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.accounts import passwords
from app.accounts.actions.api_tokens import revoke_api_tokens
from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge
from app.accounts.actions.guarding import unlock
from app.accounts.actions.invitations import mail_invitation
from app.accounts.actions.links import end_links, issue_link, record_use, redeem_link
from app.accounts.actions.rights import touch
from app.accounts.actions.sessions import end_sessions
from app.accounts.events import PasswordChanged, PasswordForgotten
from app.accounts.models import Challenge, User, UserSession
from app.accounts.queries import TenantInfo, find_user_by_email, get_user, system_scope, token_hash, user_scope
from app.accounts.rules import CONFIRM_ADDRESS, NEW_PASSWORD, Dead, judge_password
from app.core.errors import Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail

FORGOTTEN = "forgotten-password"
_MOST_EMAIL = 254


def ask_for_password(tenant: TenantInfo, email: str, at: datetime) -> None:
    """Remembers that somebody forgot a password, whoever that is: nobody is looked up here, so known, unknown,
    locked and disabled take the same steps and the same time (claim 19). `answer_forgotten` does the rest, later.
    """
    token = begin_challenge(tenant.id, FORGOTTEN, at, data={"email": email[:_MOST_EMAIL]})
    waiting = find_challenge(tenant.id, FORGOTTEN, token, at)
    assert waiting is not None
    publish(system_scope(tenant.id), PasswordForgotten("recovery", waiting.id))


def answer_forgotten(tenant_id: UUID, challenge_id: UUID, at: datetime) -> None:
    """Mails a link to whoever has the address, if they may come in; a second call finds nothing to do."""
    waiting = db.session.scalars(
        select(Challenge)
        .where(Challenge.tenant_id == tenant_id, Challenge.id == challenge_id, Challenge.purpose == FORGOTTEN)
        .with_for_update()
    ).one_or_none()
    if waiting is None:
        return
    user = find_user_by_email(waiting.data["email"])
    end_challenge(waiting)
    if user is None or user.disabled_at is not None:
        return
    scope = system_scope(tenant_id)
    if user.joined_at is None:
        mail_invitation(scope, user)
        return
    token = issue_link(scope, NEW_PASSWORD, user.id)
    send_mail(scope, to=_to(user), template="accounts/new_password", context={"token": token, "name": user.name})


def set_password_by_link(tenant: TenantInfo, token: str, password: str, at: datetime) -> User:
    """A new password for whoever holds the link. Every session and program of theirs is signed out, they are told
    by mail, and a second factor is asked for at the next sign-in as ever.

    Raises:
        DeadLink: the link is not good any more.
        Invalid: the password is not good enough; the link stays good.
    """
    link = redeem_link(tenant.id, token, at, NEW_PASSWORD)
    scope = user_scope(tenant.id, link.user_id, at)
    user = get_user(scope, link.user_id, lock=True)
    check_password(tenant, user, password)
    _store_password(scope, user, password, "by a link in mail")
    user.email_confirmed_at = user.email_confirmed_at or at
    end_sessions(scope, user.id)
    # Whoever needs a link may have lost the account to somebody who made tokens, or locked it by guessing.
    revoke_api_tokens(scope, user.id)
    unlock(scope, user.id)
    record_use(scope, link)
    return user


def change_password(scope: Scope, tenant: TenantInfo, session_id: UUID, *, current: str, new: str) -> str:
    """A person's own new password. Their other sessions and programs end; `session_id` goes on with the token that
    is returned, and the one it had ends at once.

    Raises:
        Invalid: the current one is wrong, or the new one not good enough.
    """
    assert scope.user_id is not None
    user = get_user(scope, scope.user_id, lock=True)
    check_current(user, current)
    check_password(tenant, user, new)
    if current == new:
        raise Invalid({"password": "That is the password you have. Choose another one."})
    _store_password(scope, user, new, "by the person")
    end_links(scope, user.id, NEW_PASSWORD, Dead.REPLACED)
    end_sessions(scope, user.id, but=session_id)
    token = secrets.token_urlsafe(32)
    kept = (UserSession.tenant_id == scope.tenant_id, UserSession.id == session_id)
    db.session.execute(
        update(UserSession)
        .where(*kept)
        .values(token_hash=token_hash(token), previous_hash=None, renew=False)
        .execution_options(synchronize_session=False)
    )
    return token


def check_current(user: User, password: str) -> None:
    """Raises Invalid: that is not the person's password."""
    if not passwords.verify(user.password_hash, password):
        raise Invalid({"current": "That is not your present password."})


def check_password(tenant: TenantInfo, user: User, password: str) -> None:
    """Raises Invalid: it is not good enough for this person; says why, and how to do better."""
    strength = judge_password(password, (user.name, user.email, tenant.name, tenant.slug))
    if not strength.fits:
        raise Invalid({"password": strength.sentence})


def _store_password(scope: Scope, user: User, password: str, how: str) -> None:
    """Whoever knew the password before may have asked for another address with it: that ends too."""
    end_links(scope, user.id, CONFIRM_ADDRESS, Dead.REPLACED)
    user.password_hash = passwords.hash_password(password)
    user.password_changed_at = scope.now
    touch(scope, user)
    publish(scope, PasswordChanged("user", user.id, how))
    send_mail(scope, to=_to(user), template="accounts/password_changed", context={"name": user.name, "at": scope.now})


def _to(user: User) -> Recipient:
    return Recipient(user.name, user.email)
