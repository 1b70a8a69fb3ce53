"""A person's address: changed by a link to the new one, with a way back in a link to the old one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from app.accounts.actions.api_tokens import revoke_api_tokens
from app.accounts.actions.links import end_links, issue_link, record_use, redeem_link
from app.accounts.actions.recovery import check_current
from app.accounts.actions.rights import touch
from app.accounts.actions.sessions import end_sessions
from app.accounts.events import AddressChangeAsked, AddressConfirmed, AddressRestored
from app.accounts.models import User
from app.accounts.queries import TenantInfo, find_user_by_email, get_user, user_scope
from app.accounts.rules import CONFIRM_ADDRESS, NEW_PASSWORD, UNDO_ADDRESS, Dead, email_key
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail

TAKEN = "Somebody else here has this address now. Choose another one."


@dataclass(frozen=True, slots=True)
class Restored:
    """Whose address is back, and the token of a link with which they choose a new password."""

    user: User
    token: str


def ask_for_address(scope: Scope, email: str, current: str) -> None:
    """Mails a link to the new address, and to the present one a notice with the way back. Nothing changes yet.

    Whether somebody else has the new address is not said: a mail goes out either way, to its owner a notice.

    Raises:
        Invalid: the password is wrong, or it is the present address.
    """
    user = _own(scope)
    check_current(user, current)
    if email_key(email) == user.email_key:
        raise Invalid({"email": "That is your address already."})
    send_mail(
        scope,
        to=Recipient(user.name, user.email),
        template="accounts/address_change",
        context={"token": issue_link(scope, UNDO_ADDRESS, user.id, {"email": user.email}), "name": user.name},
    )
    if find_user_by_email(email) is not None:
        send_mail(scope, to=email, template="accounts/address_taken", context={})
    else:
        _mail_confirmation(scope, user, email)
    publish(scope, AddressChangeAsked("user", user.id))


def ask_for_confirmation(scope: Scope) -> None:
    """Mails a link with which the person confirms the address they have. Raises Conflict: it is confirmed."""
    user = _own(scope)
    if user.email_confirmed_at is not None:
        raise Conflict("Your address is confirmed already.")
    _mail_confirmation(scope, user, user.email)


def confirm_address(tenant: TenantInfo, token: str, at: datetime) -> User:
    """The holder of the link has the mail: the address in it is the person's from now on.

    Raises:
        DeadLink: the link is not good any more.
        Conflict: somebody else took the address meanwhile.
    """
    link = redeem_link(tenant.id, token, at, CONFIRM_ADDRESS)
    scope = user_scope(tenant.id, link.user_id, at)
    user = get_user(scope, link.user_id, lock=True)
    changed = email_key(link.data["email"]) != user.email_key
    _store(scope, user, link.data["email"])
    if changed:
        # A link for a new password lies in the mailbox that was left.
        end_links(scope, user.id, NEW_PASSWORD, Dead.REPLACED)
    record_use(scope, link)
    publish(scope, AddressConfirmed("user", user.id, changed))
    return user


def restore_address(tenant: TenantInfo, token: str, at: datetime) -> Restored:
    """ "This was not me", from the former address: it is the person's again, everybody is signed out, the password
    that was used is gone, and every other open link ends.

    Raises:
        DeadLink: the link is not good any more.
        Conflict: somebody else took the address meanwhile.
    """
    link = redeem_link(tenant.id, token, at, UNDO_ADDRESS)
    scope = user_scope(tenant.id, link.user_id, at)
    user = get_user(scope, link.user_id, lock=True)
    email = link.data["email"]
    record_use(scope, link)
    end_links(scope, user.id, why=Dead.REPLACED)
    _store(scope, user, email)
    user.password_hash = None
    end_sessions(scope, user.id)
    revoke_api_tokens(scope, user.id)
    publish(scope, AddressRestored("user", user.id))
    return Restored(user, issue_link(scope, NEW_PASSWORD, user.id))


def _store(scope: Scope, user: User, email: str) -> None:
    try:
        with db.session.begin_nested():
            user.email, user.email_key = email, email_key(email)
            user.email_confirmed_at = scope.now
            touch(scope, user)
    except IntegrityError as taken:
        raise Conflict(TAKEN) from taken


def _mail_confirmation(scope: Scope, user: User, email: str) -> None:
    token = issue_link(scope, CONFIRM_ADDRESS, user.id, {"email": email})
    context = {"token": token, "name": user.name}
    send_mail(scope, to=Recipient(user.name, email), template="accounts/confirm_address", context=context)


def _own(scope: Scope) -> User:
    assert scope.user_id is not None
    return get_user(scope, scope.user_id, lock=True)
