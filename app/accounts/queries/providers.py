"""Single sign-on: which providers an organisation has, and who is who there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.accounts.models import ExternalIdentity, IdentityProvider, User
from app.accounts.queries.people import get_user
from app.accounts.queries.roles import get_rights_of
from app.accounts.rules import why_not_role
from app.core import cache
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db

PROVIDER_KIND = "identity_provider"


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider in the list of settings; `people` came in by it."""

    id: UUID
    name: str
    issuer: str
    enabled: bool
    domains: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class WayIn:
    """A button of the sign-in page."""

    id: UUID
    name: str


def list_providers(scope: Scope) -> list[ProviderInfo]:
    """All of the organisation's, by name."""
    counted = dict(
        db.session.execute(
            select(ExternalIdentity.provider_id, func.count())
            .where(ExternalIdentity.tenant_id == scope.tenant_id)
            .group_by(ExternalIdentity.provider_id)
        )
        .tuples()
        .all()
    )
    rows = db.session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.tenant_id == scope.tenant_id)
        .order_by(IdentityProvider.name, IdentityProvider.id)
    )
    return [
        ProviderInfo(row.id, row.name, row.issuer, row.enabled, tuple(row.domains), counted.get(row.id, 0))
        for row in rows
    ]


def list_ways_in(tenant_id: UUID) -> list[WayIn]:
    """What the sign-in page offers. Cached."""
    made = cache.get_or_make(tenant_id, (PROVIDER_KIND,), "ways-in", lambda: _read_ways_in(tenant_id))
    return [WayIn(UUID(item["id"]), item["name"]) for item in made]


def get_provider(scope: Scope, provider_id: UUID, *, lock: bool = False) -> IdentityProvider:
    """One provider. Raises NotFound."""
    found = find_provider(scope.tenant_id, provider_id, lock=lock)
    if found is None:
        raise NotFound("This provider does not exist any more.")
    return found


def find_provider(tenant_id: UUID, provider_id: UUID, *, lock: bool = False) -> IdentityProvider | None:
    """The provider, enabled or not."""
    query = select(IdentityProvider).where(IdentityProvider.tenant_id == tenant_id, IdentityProvider.id == provider_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one_or_none()


def find_external_identity(tenant_id: UUID, provider_id: UUID, subject: str) -> ExternalIdentity | None:
    """Who this subject of the provider is here."""
    return db.session.scalars(
        select(ExternalIdentity).where(
            ExternalIdentity.tenant_id == tenant_id,
            ExternalIdentity.provider_id == provider_id,
            ExternalIdentity.subject == subject,
        )
    ).one_or_none()


def is_known_at(tenant_id: UUID, provider_id: UUID, user_id: UUID) -> bool:
    """Whether this person has an identity at the provider already."""
    return (
        db.session.scalars(
            select(ExternalIdentity.id).where(
                ExternalIdentity.tenant_id == tenant_id,
                ExternalIdentity.provider_id == provider_id,
                ExternalIdentity.user_id == user_id,
            )
        ).first()
        is not None
    )


def is_trusted_for(scope: Scope, provider: IdentityProvider, user: User) -> bool:
    """Whether whoever set the provider up could change this person's rights: who decides what a provider says could
    otherwise come in as anybody.
    """
    if provider.saved_by is None:
        return True
    try:
        saver = get_user(scope, provider.saved_by)
    except NotFound:
        return False
    theirs, held = get_rights_of(scope, user), get_rights_of(scope, saver)
    return saver.disabled_at is None and why_not_role(saver.role, held, user.role, theirs) is None


def list_identities_of(scope: Scope, user_id: UUID) -> list[tuple[ExternalIdentity, IdentityProvider]]:
    """Who a person is at which providers."""
    query = (
        select(ExternalIdentity, IdentityProvider)
        .join(
            IdentityProvider,
            (ExternalIdentity.tenant_id == IdentityProvider.tenant_id)
            & (ExternalIdentity.provider_id == IdentityProvider.id),
        )
        .where(ExternalIdentity.tenant_id == scope.tenant_id, ExternalIdentity.user_id == user_id)
    )
    return [(identity, provider) for identity, provider in db.session.execute(query)]


def find_last_provider(tenant_id: UUID, user_id: UUID) -> IdentityProvider | None:
    """The enabled provider a person last came in by."""
    return db.session.scalars(
        select(IdentityProvider)
        .join(
            ExternalIdentity,
            (ExternalIdentity.tenant_id == IdentityProvider.tenant_id)
            & (ExternalIdentity.provider_id == IdentityProvider.id),
        )
        .where(IdentityProvider.tenant_id == tenant_id, ExternalIdentity.user_id == user_id, IdentityProvider.enabled)
        .order_by(ExternalIdentity.last_seen_at.desc().nulls_last())
        .limit(1)
    ).one_or_none()


def list_identities(scope: Scope, user_id: UUID) -> list[tuple[str, datetime | None]]:
    """By which providers a person can come in, and when they last did."""
    found = db.session.execute(
        select(IdentityProvider.name, ExternalIdentity.last_seen_at)
        .join(
            ExternalIdentity,
            (ExternalIdentity.tenant_id == IdentityProvider.tenant_id)
            & (ExternalIdentity.provider_id == IdentityProvider.id),
        )
        .where(IdentityProvider.tenant_id == scope.tenant_id, ExternalIdentity.user_id == user_id)
        .order_by(IdentityProvider.name)
    )
    return [(row[0], row[1]) for row in found]


def _read_ways_in(tenant_id: UUID) -> list[dict[str, Any]]:
    rows = db.session.execute(
        select(IdentityProvider.id, IdentityProvider.name)
        .where(IdentityProvider.tenant_id == tenant_id, IdentityProvider.enabled)
        .order_by(IdentityProvider.name, IdentityProvider.id)
    )
    return [{"id": str(row.id), "name": row.name} for row in rows]
