"""OpenID Connect providers of a tenant, and who is who there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, DateTime, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models.sessions import of_user
from app.core.db import TenantRow, Versioned
from app.core.secrets import register_sealed
from app.extensions import Base


class IdentityProvider(TenantRow, Versioned, Base):
    """One OpenID Connect provider. `group_roles` maps a group at the provider to a role here, the first that fits
    counts; `domains` are the address domains it may vouch for, and `saved_by` is in whose name it lets people in:
    nobody is linked to an account that may do more.
    """

    __tablename__ = "identity_providers"
    __table_args__ = (UniqueConstraint("tenant_id", "issuer"), ForeignKeyConstraint(["tenant_id"], ["tenants.id"]))

    name: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(Text(collation="C"))
    client_id: Mapped[str] = mapped_column(Text)
    client_secret_sealed: Mapped[str] = mapped_column(Text)
    domains: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    group_claim: Mapped[str] = mapped_column(Text, default="groups")
    group_roles: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    default_role: Mapped[str | None] = mapped_column(Text)
    trust_second_factor: Mapped[bool] = mapped_column(Boolean, default=False)
    saved_by: Mapped[UUID | None] = mapped_column(Uuid)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)


CLIENT_SECRET = register_sealed(IdentityProvider, "client_secret_sealed")


class ExternalIdentity(TenantRow, Base):
    """A person as a provider knows them: by `subject`, which never changes, not by address, which does."""

    __tablename__ = "external_identities"
    __table_args__ = (
        UniqueConstraint("tenant_id", "provider_id", "subject"),
        of_user(),
        ForeignKeyConstraint(
            ["tenant_id", "provider_id"], ["identity_providers.tenant_id", "identity_providers.id"], ondelete="CASCADE"
        ),
        Index("ix_external_identities_user", "tenant_id", "user_id"),
    )

    provider_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    subject: Mapped[str] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
