"""Coming in by single sign-on: asking the provider, and what follows from its answer."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts import queries
from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge
from app.accounts.actions.devices import Origin
from app.accounts.actions.links import end_links
from app.accounts.actions.rights import change_role
from app.accounts.actions.sessions import SINGLE_SIGN_ON, SignIn, begin_session
from app.accounts.actions.signing_in import Waiting, proceed
from app.accounts.events import IdentityLinked, UserCreated
from app.accounts.models import CLIENT_SECRET, ExternalIdentity, IdentityProvider, User
from app.accounts.queries import TenantInfo, find_role, find_user_by_email, system_scope, token_hash
from app.accounts.rules import (
    INVITATION,
    OWNER,
    Dead,
    email_key,
    groups_of,
    is_address,
    is_verified,
    may_vouch,
    proved_twice,
    role_of_groups,
)
from app.core import db as database
from app.core.clock import new_id
from app.core.errors import FairleadError, NotFound
from app.core.events import publish
from app.core.records.text import clean
from app.core.scope import Scope
from app.extensions import db
from app.gateways import openid
from app.gateways.openid import Client, OpenIdError

log = logging.getLogger(__name__)

WAITING_FOR = "single-sign-on"
_OVER = "This sign-in took too long, was finished already, or began in another browser. Start again."
_MOST_NAME = 120


class NotLetIn(FairleadError):
    """The provider knows the person, and we do not let them in; the message says why."""

    status = 403
    title = "You are not signed in"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the provider was asked, and by which browser; its answer is awaited no more."""

    provider_id: UUID
    redirect_uri: str
    nonce: str
    verifier: str
    next: str


def ask_provider(
    tenant: TenantInfo, provider_id: UUID, *, redirect_uri: str, browser: str, next_url: str, at: datetime
) -> str:
    """The address to send the browser to; what it should come back with is remembered for ten minutes.

    Args:
        redirect_uri: where the provider sends it back to.
        browser: a secret of this browser alone: the answer counts for nothing in another.

    Raises:
        NotFound: there is no such provider, or it is not enabled.
        OpenIdError, web.Refused, web.Unreachable: it cannot be asked.
    """
    client, claim = _client(_enabled(tenant, provider_id))
    # Asked before anything is written, so that nothing waits for it.
    openid.discover(client.issuer)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    data = {"provider_id": str(provider_id), "browser": token_hash(browser), "redirect_uri": redirect_uri}
    data |= {"nonce": nonce, "verifier": verifier, "next": next_url}
    state = begin_challenge(tenant.id, WAITING_FOR, at, data=data)
    return openid.ask(client, redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier, also=(claim,))


def take_answer(tenant: TenantInfo, provider_id: UUID, *, state: str, browser: str, at: datetime) -> Asked:
    """What was asked under this state, which is good once.

    Commits, against the rule of one commit a request: an answer is used up whatever comes of it, and no transaction
    stays open while the provider is asked.

    Raises:
        NotFound: there is no such provider.
        OpenIdError: nothing was, or by another browser, or of another provider.
    """
    _enabled(tenant, provider_id)
    waiting = find_challenge(tenant.id, WAITING_FOR, state, at, lock=True)
    if waiting is None:
        raise OpenIdError(_OVER)
    data = dict(waiting.data)
    ours = hmac.compare_digest(str(data.get("browser", "")), token_hash(browser))
    if not ours or data.get("provider_id") != str(provider_id):
        raise OpenIdError(_OVER)
    end_challenge(waiting)
    database.commit()
    return Asked(provider_id, data["redirect_uri"], data["nonce"], data["verifier"], data["next"])


def sign_in_with_provider(
    tenant: TenantInfo, asked: Asked, *, code: str, issuer: str | None, origin: Origin, at: datetime
) -> SignIn | Waiting:
    """Lets in whom the provider says it is, or asks for a second factor.

    The person is known by provider and subject. Otherwise an address that the provider may vouch for links them to
    who has it here, or makes them at this first sign-in; groups decide their role each time.

    Raises:
        OpenIdError, web.Refused, web.Unreachable: the answer is not to be believed.
        NotLetIn: the person is not to come in.
        NotFound: the provider was taken away.
    """
    client, _ = _client(_enabled(tenant, asked.provider_id))
    database.commit()
    claims = openid.answer(
        client,
        redirect_uri=asked.redirect_uri,
        code=code,
        verifier=asked.verifier,
        nonce=asked.nonce,
        issuer=issuer,
        at=at,
    )
    # Locked, so that two first sign-ins of one person at once make one person.
    provider = _enabled(tenant, asked.provider_id, lock=True)
    scope = system_scope(tenant.id)
    user = _person(scope, provider, claims, at)
    if user.disabled_at is not None:
        raise _refused(provider, "disabled", "Your account here is disabled. Ask an administrator.")
    if provider.trust_second_factor and proved_twice(claims):
        return begin_session(tenant, user, origin, at=at, method=SINGLE_SIGN_ON, second_factor=True)
    return proceed(tenant, user, origin, at=at, method=SINGLE_SIGN_ON)


def find_way_out(tenant: TenantInfo, user_id: UUID | None, *, back: str) -> tuple[str, str] | None:
    """Where someone who came in by single sign-on signs out of the provider too, with the provider's name; None if
    it offers that nowhere.
    """
    provider = queries.find_last_provider(tenant.id, user_id) if user_id else None
    url = openid.end_session_url(_client(provider)[0], back=back) if provider else None
    return (provider.name, url) if provider and url else None


def _enabled(tenant: TenantInfo, provider_id: UUID, *, lock: bool = False) -> IdentityProvider:
    found = queries.find_provider(tenant.id, provider_id, lock=lock)
    if found is None or not found.enabled:
        raise NotFound("There is no such way to sign in here any more.")
    return found


def _client(row: IdentityProvider) -> tuple[Client, str]:
    return Client(row.issuer, row.client_id, CLIENT_SECRET.open(row)), row.group_claim


def _person(scope: Scope, provider: IdentityProvider, claims: Mapping[str, Any], at: datetime) -> User:
    key = role_of_groups(groups_of(claims, provider.group_claim), provider.group_roles, provider.default_role)
    identity = queries.find_external_identity(scope.tenant_id, provider.id, claims["sub"])
    if identity is not None:
        identity.last_seen_at = at
        user = queries.get_user(scope, identity.user_id, lock=True)
    else:
        user = _first_time(scope, provider, claims, key, at)
    if provider.group_roles and user.disabled_at is None:
        _follow_groups(scope, provider, user, key)
    return user


def _first_time(
    scope: Scope, provider: IdentityProvider, claims: Mapping[str, Any], key: str | None, at: datetime
) -> User:
    email = str(claims.get("email", "")).strip()
    if not is_address(email) or not is_verified(claims):
        raise _refused(provider, "address", f"{provider.name} did not confirm an e-mail address of yours.")
    if not may_vouch(email, provider.domains):
        raise _refused(provider, "domain", f"{provider.name} may not speak for addresses like yours here.")
    found = find_user_by_email(email)
    user = _known(scope, provider, found) if found else _create(scope, provider, email, claims, key, at)
    db.session.add(
        ExternalIdentity(
            tenant_id=scope.tenant_id,
            id=new_id(),
            provider_id=provider.id,
            user_id=user.id,
            subject=claims["sub"],
            created_at=at,
            last_seen_at=at,
        )
    )
    if user.joined_at is None:
        # Invited, and came by another door: nobody else comes by that one any more.
        end_links(scope, user.id, INVITATION, Dead.USED)
        user.joined_at = at
        user.email_confirmed_at = user.email_confirmed_at or at
    db.session.flush()
    publish(scope, IdentityLinked("user", user.id, provider.name))
    return user


def _known(scope: Scope, provider: IdentityProvider, found: User) -> User:
    """Somebody here who has the address, linked unless that would hand out more than whoever set this up holds."""
    user = queries.get_user(scope, found.id, lock=True)
    if queries.is_known_at(scope.tenant_id, provider.id, user.id):
        text = f"Somebody else at {provider.name} signs in here with your address. Ask an administrator."
        raise _refused(provider, "other subject", text)
    if not queries.is_trusted_for(scope, provider, user):
        text = "Your account may do more than whoever set up this single sign-on. Sign in as before, and ask an owner."
        raise _refused(provider, "rights", text)
    return user


def _create(
    scope: Scope, provider: IdentityProvider, email: str, claims: Mapping[str, Any], key: str | None, at: datetime
) -> User:
    role = find_role(scope, key) if key else None
    if role is None:
        raise _refused(provider, "no role", _NO_ROLE.format(provider.name))
    name = " ".join(clean(str(claims.get("name") or "")).split())[:_MOST_NAME] or email
    user = User(
        tenant_id=scope.tenant_id,
        id=new_id(),
        email=email,
        email_key=email_key(email),
        name=name,
        role=role.role,
        role_id=role.id,
        joined_at=at,
        email_confirmed_at=at,
        created_at=at,
        updated_at=at,
    )
    db.session.add(user)
    db.session.flush()
    publish(scope, UserCreated("user", user.id, role.name))
    return user


_NO_ROLE = "None of your groups at {} gives you a role here. Ask an administrator."


def _follow_groups(scope: Scope, provider: IdentityProvider, user: User, key: str | None) -> None:
    """Gives the person the role of their groups. Owners are the owners' business: no group makes them less."""
    if user.role == OWNER:
        return
    if key is None or find_role(scope, key) is None:
        raise _refused(provider, "no role", _NO_ROLE.format(provider.name))
    change_role(scope, user.id, key)


def _refused(provider: IdentityProvider, reason: str, text: str) -> NotLetIn:
    log.info("single_sign_on_refused", extra={"provider_id": str(provider.id), "reason": reason})
    return NotLetIn(text)
