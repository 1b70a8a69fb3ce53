"""Setting up single sign-on: a provider, whom it may speak for, and which role its groups give."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from app.accounts import queries
from app.accounts.actions.rights import pick_role
from app.accounts.events import ProviderCreated, ProviderDeleted, ProviderUpdated
from app.accounts.models import CLIENT_SECRET, ExternalIdentity, IdentityProvider
from app.accounts.queries import PROVIDER_KIND
from app.accounts.rules import ProviderValues
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways import openid, web
from app.gateways.openid import OpenIdError

MAX_PROVIDERS = 5
_OTHER_SECRET = "Enter the secret that the new provider gave you: the old one is not sent to another."  # noqa: S105
_CHANGED = "Somebody changed this provider meanwhile. Look at it again, then save."


def create_provider(scope: Scope, values: ProviderValues, client_secret: str) -> UUID:
    """Adds a provider.

    Raises:
        Invalid: one of the values cannot be, or there are five already.
        Forbidden: a role is more than the asker holds.
    """
    errors = _problems(scope, values, None)
    if not client_secret:
        errors["client_secret"] = "Enter the secret that the provider gave you."  # noqa: S105 - a sentence
    if errors:
        raise Invalid(errors)
    row_id = new_id()
    row = IdentityProvider(
        tenant_id=scope.tenant_id,
        id=row_id,
        client_secret_sealed=CLIENT_SECRET.seal(client_secret, tenant_id=scope.tenant_id, row_id=row_id),
        saved_by=scope.user_id,
        created_at=scope.now,
        updated_at=scope.now,
        version=1,
        **asdict(values),
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, ProviderCreated(PROVIDER_KIND, row.id, values.name, values.issuer))
    return row.id


def update_provider(
    scope: Scope, provider_id: UUID, version: int, values: ProviderValues, client_secret: str | None
) -> None:
    """Changes it; without a new secret the old one stays. Under another issuer nobody is known any more.

    Raises:
        NotFound: it is gone.
        Conflict: somebody was faster.
        Invalid, Forbidden: as `create_provider`.
    """
    row = queries.get_provider(scope, provider_id, lock=True)
    if row.version != version:
        raise Conflict(_CHANGED, version=row.version)
    if errors := _problems(scope, values, row):
        raise Invalid(errors)
    changed = sorted(name for name, value in asdict(values).items() if getattr(row, name) != value)
    if "issuer" in changed and not client_secret:
        # Whoever may not read the secret could else have it sent to a provider of their own.
        raise Invalid({"client_secret": _OTHER_SECRET})
    if "issuer" in changed:
        # A subject is somebody at one issuer; at another it is somebody else.
        _forget_identities(scope, row.id)
    for name in changed:
        setattr(row, name, getattr(values, name))
    if client_secret:
        row.client_secret_sealed = CLIENT_SECRET.seal(client_secret, tenant_id=scope.tenant_id, row_id=row.id)
        changed.append("client_secret")
    row.saved_by, row.updated_at, row.version = scope.user_id, scope.now, row.version + 1
    db.session.flush()
    publish(scope, ProviderUpdated(PROVIDER_KIND, row.id, row.name, changed))


def delete_provider(scope: Scope, provider_id: UUID) -> str:
    """Takes it away, with who is who there; the people stay. Returns its name. Raises NotFound."""
    row = queries.get_provider(scope, provider_id, lock=True)
    name = row.name
    db.session.delete(row)
    db.session.flush()
    publish(scope, ProviderDeleted(PROVIDER_KIND, provider_id, name))
    return name


def check_provider(issuer: str) -> dict[str, Any]:
    """Asks the provider who it is, now; returns what it says of itself.

    Raises:
        Invalid: says what is wrong with it.
    """
    try:
        return openid.test_connection(issuer)
    except (OpenIdError, web.Refused, web.Unreachable) as wrong:
        raise Invalid({"issuer": wrong.message}) from wrong


def _problems(scope: Scope, values: ProviderValues, row: IdentityProvider | None) -> dict[str, str]:
    errors: dict[str, str] = {}
    try:
        web.check_url(values.issuer)
    except web.Refused as refused:
        errors["issuer"] = refused.message
    mine = select(func.count()).where(IdentityProvider.tenant_id == scope.tenant_id)
    if row is None and (db.session.scalar(mine) or 0) >= MAX_PROVIDERS:
        errors[""] = f"There are {MAX_PROVIDERS} providers already. Delete one that is not used any more first."
    same = mine.where(IdentityProvider.issuer == values.issuer, IdentityProvider.id != (row.id if row else None))
    if row is None:
        same = mine.where(IdentityProvider.issuer == values.issuer)
    if db.session.scalar(same):
        errors.setdefault("issuer", "There is a provider with this issuer already.")
    if not values.domains:
        errors["domains"] = "Name at least one domain, such as example.com."
    keys = [("group_roles", role) for _, role in values.group_roles]
    for name, key in [*keys, ("default_role", values.default_role)]:
        if key is not None and not _is_there(scope, key):
            errors[name] = "This role is gone. Choose another one."
    return errors


def _is_there(scope: Scope, key: str) -> bool:
    """Groups hand roles out in the asker's name: no more than the asker could give. Raises Forbidden."""
    try:
        pick_role(scope, key)
    except Invalid:
        return False
    return True


def _forget_identities(scope: Scope, provider_id: UUID) -> None:
    db.session.execute(
        delete(ExternalIdentity).where(
            ExternalIdentity.tenant_id == scope.tenant_id, ExternalIdentity.provider_id == provider_id
        )
    )
