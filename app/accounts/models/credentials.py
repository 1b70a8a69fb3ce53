"""What people prove themselves with beside a password."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Index, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models.sessions import of_user
from app.core.db import TenantRow
from app.core.secrets import register_sealed
from app.extensions import Base


class TotpSecret(TenantRow, Base):
    """The secret of an authenticator app (RFC 6238), sealed. Counts once `confirmed_at` is set.

    `last_step` is the 30-second step of the last accepted code: only later ones are accepted (RFC 6238, 5.2).
    """

    __tablename__ = "totp_secrets"
    __table_args__ = (UniqueConstraint("tenant_id", "user_id"), of_user())

    user_id: Mapped[UUID] = mapped_column(Uuid)
    secret_sealed: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


TOTP_SECRET = register_sealed(TotpSecret, "secret_sealed")


class RecoveryCode(TenantRow, Base):
    """A code for the day the phone is lost; each is good for one sign-in."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("tenant_id", "user_id", "code_hash"), of_user())

    user_id: Mapped[UUID] = mapped_column(Uuid)
    code_hash: Mapped[str] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Passkey(TenantRow, Base):
    """A WebAuthn credential. `credential_id` is base64url, `public_key` COSE."""

    __tablename__ = "passkeys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "credential_id"),
        of_user(),
        Index("ix_passkeys_user", "tenant_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid)
    credential_id: Mapped[str] = mapped_column(Text(collation="C"))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    name: Mapped[str] = mapped_column(Text)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    backed_up: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
