"""Passkeys (WebAuthn Level 3): adding one, signing in with one alone, and as a second factor (ADR 20).

The random token that names what is waited for is the WebAuthn challenge itself: the browser signs it, and it is
good for one answer. User verification is always required, so a passkey is something one has and one is or knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.accounts.actions.challenges import begin_challenge, end_challenge, find_challenge
from app.accounts.actions.devices import Origin
from app.accounts.actions.recovery_codes import make_recovery_codes
from app.accounts.actions.second_factor import (
    PASSKEY,
    SignInOver,
    check_not_last,
    find_waiting,
    finish,
    forget_codes_without_factor,
)
from app.accounts.actions.sessions import PASSKEY as BY_PASSKEY
from app.accounts.actions.sessions import SECOND_FACTOR, SignIn, begin_session, confirm_session
from app.accounts.events import FactorAdded, FactorRemoved, FactorRenamed, SignInRefused
from app.accounts.models import Challenge, Passkey
from app.accounts.queries import (
    TenantInfo,
    factors_of,
    find_passkey,
    get_passkey,
    get_user,
    list_credential_ids,
    system_scope,
)
from app.core import db as database
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

NAME_MAX = 60
MOST = 20
REFUSED = "That passkey does not open this account. Try another one, or sign in with your password."
NOT_ADDED = "Your browser's answer could not be checked, so no passkey was added. Try again."
_CREATING, _ASKING = "passkey-creation", "passkey"
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a passkey is for: the domain it is bound to, and the origin the browser must have been at."""

    id: str
    origin: str


def begin_passkey(scope: Scope, party: Party) -> str:
    """What the browser needs to make a passkey for the asker, as JSON. Raises Invalid: they have twenty."""
    assert scope.user_id is not None
    known = list_credential_ids(scope.tenant_id, scope.user_id)
    if len(known) >= MOST:
        raise Invalid({"": f"You have {MOST} passkeys. Remove one you no longer use first."})
    token = begin_challenge(scope.tenant_id, _CREATING, scope.now, user_id=scope.user_id)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=f"Fairlead – {scope.tenant_name}",
        # One person may have an account in several organisations, and browsers show this name when they ask.
        user_name=f"{scope.user_email} ({scope.tenant_name})",
        user_display_name=scope.user_name,
        user_id=scope.user_id.bytes,
        challenge=token.encode(),
        exclude_credentials=_descriptors(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return webauthn.options_to_json(options)


def add_passkey(scope: Scope, party: Party, answer: str, name: str) -> list[str]:
    """Keeps the passkey the browser made; recovery codes if it is the person's first second factor.

    Raises:
        Invalid: the answer does not fit what was asked, or the name is too long.
        Conflict: this organisation knows the passkey already.
    """
    assert scope.user_id is not None
    called = " ".join(name.split()) or "Passkey"
    if len(called) > NAME_MAX:
        raise Invalid({"name": f"Use {NAME_MAX} characters at most."})
    waiting = _waiting_for(scope.tenant_id, _CREATING, answer, scope.now)
    if waiting is None or waiting.user_id != scope.user_id:
        raise Invalid({"": NOT_ADDED})
    token = _token_in(answer)
    end_challenge(waiting)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=token.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError) as wrong:
        raise Invalid({"": NOT_ADDED}) from wrong
    credential_id = bytes_to_base64url(made.credential_id)
    if find_passkey(scope.tenant_id, credential_id) is not None:
        raise Conflict("This passkey is here already.")
    first = not factors_of(scope.tenant_id, scope.user_id).any
    db.session.add(
        Passkey(
            tenant_id=scope.tenant_id,
            id=new_id(),
            user_id=scope.user_id,
            credential_id=credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            name=called,
            transports=_transports(answer),
            backed_up=made.credential_backed_up,
            created_at=scope.now,
        )
    )
    db.session.flush()
    publish(scope, FactorAdded("second_factor", scope.user_id, PASSKEY, called))
    return make_recovery_codes(scope, scope.user_id) if first else []


def rename_passkey(scope: Scope, passkey_id: UUID, name: str) -> None:
    """Raises NotFound, or Invalid for a name that is empty or too long."""
    row = get_passkey(scope, passkey_id)
    called = " ".join(name.split())
    if not 0 < len(called) <= NAME_MAX:
        raise Invalid({"name": f"Give it a name of {NAME_MAX} characters at most."})
    if called != row.name:
        row.name = called
        db.session.flush()
        publish(scope, FactorRenamed("second_factor", row.user_id, PASSKEY, called))


def remove_passkey(scope: Scope, tenant: TenantInfo, passkey_id: UUID) -> None:
    """Raises NotFound, or Invalid where it is the last second factor and the role needs one."""
    row = get_passkey(scope, passkey_id)
    check_not_last(scope, tenant)
    db.session.delete(row)
    db.session.flush()
    publish(scope, FactorRemoved("second_factor", row.user_id, PASSKEY, row.name))
    forget_codes_without_factor(scope, row.user_id)


def ask_for_passkey(tenant: TenantInfo, party: Party, at: datetime, *, user_id: UUID | None = None) -> str:
    """What the browser needs to answer with a passkey, as JSON: any of this organisation's, or one of a person's."""
    token = begin_challenge(tenant.id, _ASKING, at, user_id=user_id)
    known = list_credential_ids(tenant.id, user_id) if user_id else []
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=token.encode(),
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def sign_in_with_passkey(tenant: TenantInfo, party: Party, origin: Origin, answer: str, at: datetime) -> SignIn:
    """Starts a session for whoever holds the passkey; it counts as both factors.

    Raises:
        Invalid: it is not known here, or does not prove itself; see `_proved`.
    """
    key = _proved(tenant, party, origin, answer, at)
    user = get_user(system_scope(tenant.id), key.user_id, lock=True)
    if user.disabled_at is not None:
        raise _refused(tenant, user.id, "disabled", origin, at)
    return begin_session(tenant, user, origin, at=at, method=BY_PASSKEY, second_factor=True)


def answer_with_passkey(
    tenant: TenantInfo, token: str, party: Party, origin: Origin, answer: str, at: datetime
) -> SignIn:
    """Starts the session that waited for a second factor.

    Raises:
        Invalid: it is not this person's passkey, or does not prove itself.
        SignInOver: nothing is waited for any more.
    """
    found = find_waiting(tenant, token, at)
    if found is None or found[0].purpose != SECOND_FACTOR:
        raise SignInOver
    _, user = found
    key = _proved(tenant, party, origin, answer, at, user_id=user.id)
    waiting = find_challenge(tenant.id, SECOND_FACTOR, token, at, lock=True)
    user = get_user(system_scope(tenant.id), key.user_id, lock=True)
    if waiting is None or user.disabled_at is not None:
        raise SignInOver
    user, method = finish(waiting, user)
    return begin_session(tenant, user, origin, at=at, method=method, second_factor=True)


def confirm_with_passkey(
    scope: Scope, tenant: TenantInfo, session_id: UUID, party: Party, origin: Origin, answer: str
) -> None:
    """The asker proves once more who they are. Raises Invalid."""
    assert scope.user_id is not None
    _proved(tenant, party, origin, answer, scope.now, user_id=scope.user_id)
    confirm_session(scope, session_id, BY_PASSKEY)


def _proved(
    tenant: TenantInfo, party: Party, origin: Origin, answer: str, at: datetime, *, user_id: UUID | None = None
) -> Passkey:
    """The passkey that signed what was asked, at our address, with its holder verified.

    A refusal commits, against the rule that an error rolls back: what was asked is used up, and the log keeps why.

    Raises:
        Invalid: anything about it is wrong, or its counter went back, which means that there is a copy of it.
    """
    waiting = _waiting_for(tenant.id, _ASKING, answer, at)
    if waiting is None or waiting.user_id != user_id:
        raise Invalid({"": REFUSED})
    end_challenge(waiting)
    key = find_passkey(tenant.id, _credential_id(answer))
    if key is None or (user_id is not None and key.user_id != user_id):
        raise _refused(tenant, user_id or tenant.id, "unknown passkey", origin, at)
    try:
        done = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=_token_in(answer).encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            # The counter is compared below: a copied passkey is told apart from a broken answer.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        raise _refused(tenant, key.user_id, "wrong passkey", origin, at) from None
    if (done.new_sign_count or key.sign_count) and done.new_sign_count <= key.sign_count:
        raise _refused(tenant, key.user_id, "used passkey", origin, at)
    key.sign_count, key.last_used_at, key.backed_up = done.new_sign_count, at, done.credential_backed_up
    db.session.flush()
    return key


def _refused(tenant: TenantInfo, subject: UUID, reason: str, origin: Origin, at: datetime) -> Invalid:
    scope = replace(system_scope(tenant.id), now=at)
    publish(scope, SignInRefused("sign_in", subject, reason, origin.ip, known_device=False))
    database.commit()
    return Invalid({"": REFUSED})


def _waiting_for(tenant_id: UUID, purpose: str, answer: str, at: datetime) -> Challenge | None:
    token = _token_in(answer)
    return find_challenge(tenant_id, purpose, token, at, lock=True) if token else None


def _token_in(answer: str) -> str:
    """The challenge that the browser says it signed; whether it did is checked afterwards. Empty for nonsense."""
    try:
        data = base64url_to_bytes(_read(answer)["response"]["clientDataJSON"])
        return parse_client_data_json(data).challenge.decode("ascii")
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _credential_id(answer: str) -> str:
    """Spelled as we spell it, however the browser did."""
    try:
        return bytes_to_base64url(base64url_to_bytes(_read(answer)["rawId"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _transports(answer: str) -> list[str]:
    try:
        said = _read(answer)["response"].get("transports") or []
        return sorted({AuthenticatorTransport(one).value for one in said if one in set(AuthenticatorTransport)})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _read(answer: str) -> Any:
    if len(answer) > _LONGEST:
        raise ValueError("A browser's answer is a few hundred bytes.")
    return json.loads(answer)


def _descriptors(known: list[tuple[str, list[str]]]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(credential_id), transports=[AuthenticatorTransport(one) for one in transports] or None
        )
        for credential_id, transports in known
    ]
