"""What a person can prove themselves with beside a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.accounts.models import Passkey, RecoveryCode, TotpSecret
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db


@dataclass(frozen=True, slots=True)
class PasskeyLine:
    """A passkey as its owner sees it. `backed_up`: it is on all of their devices, not on one."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Factors:
    """A person's second factors, and what is left for the day they are lost."""

    authenticator_since: datetime | None = None
    passkeys: tuple[PasskeyLine, ...] = ()
    codes_left: int = 0

    @property
    def any(self) -> bool:
        return self.authenticator_since is not None or bool(self.passkeys)

    @property
    def count(self) -> int:
        return len(self.passkeys) + (self.authenticator_since is not None)


def factors_of(tenant_id: UUID, user_id: UUID) -> Factors:
    """Which second factors the person has."""
    since = db.session.scalars(
        select(TotpSecret.confirmed_at).where(
            TotpSecret.tenant_id == tenant_id, TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None)
        )
    ).one_or_none()
    keys = db.session.scalars(
        select(Passkey)
        .where(Passkey.tenant_id == tenant_id, Passkey.user_id == user_id)
        .order_by(Passkey.created_at, Passkey.id)
    )
    lines = tuple(PasskeyLine(key.id, key.name, key.created_at, key.last_used_at, key.backed_up) for key in keys)
    return Factors(since, lines, count_recovery_codes(tenant_id, user_id))


def count_recovery_codes(tenant_id: UUID, user_id: UUID) -> int:
    """Those not used yet."""
    return db.session.execute(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.tenant_id == tenant_id, RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    ).scalar_one()


def find_totp(tenant_id: UUID, user_id: UUID) -> TotpSecret | None:
    """The authenticator's row, confirmed or not, locked: two codes at once are looked at one after the other."""
    return db.session.scalars(
        select(TotpSecret)
        .where(TotpSecret.tenant_id == tenant_id, TotpSecret.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def get_passkey(scope: Scope, passkey_id: UUID) -> Passkey:
    """One of the asker's own passkeys, locked. Raises NotFound, also for another's."""
    found = db.session.scalars(
        select(Passkey)
        .where(Passkey.tenant_id == scope.tenant_id, Passkey.id == passkey_id, Passkey.user_id == scope.user_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound("This passkey is gone already, or is not yours.")
    return found


def find_passkey(tenant_id: UUID, credential_id: str) -> Passkey | None:
    """The passkey of this credential in this tenant, locked."""
    return db.session.scalars(
        select(Passkey)
        .where(Passkey.tenant_id == tenant_id, Passkey.credential_id == credential_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_credential_ids(tenant_id: UUID, user_id: UUID) -> list[tuple[str, list[str]]]:
    """The credentials of a person's passkeys with how each is reached, for asking a browser for one of them."""
    rows = db.session.execute(
        select(Passkey.credential_id, Passkey.transports)
        .where(Passkey.tenant_id == tenant_id, Passkey.user_id == user_id)
        .order_by(Passkey.created_at)
    )
    return [(row[0], list(row[1])) for row in rows]
