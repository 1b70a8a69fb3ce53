"""Codes for the day the phone is lost."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update

from app.accounts.events import RecoveryCodesMade, RecoveryCodeUsed
from app.accounts.models import RecoveryCode
from app.accounts.queries import count_recovery_codes
from app.accounts.rules.second_factor import CODE_LETTERS, RECOVERY_CODES, code_key, written_code
from app.core.clock import new_id
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

_LENGTH = 16


def make_recovery_codes(scope: Scope, user_id: UUID) -> list[str]:
    """Ten new codes in place of those before, as they are shown; told once, kept as hashes.

    Each is 80 random bits, so one round of SHA-256 is enough.
    """
    keys = ["".join(secrets.choice(CODE_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)]
    drop_recovery_codes(scope.tenant_id, user_id)
    db.session.add_all(
        RecoveryCode(
            tenant_id=scope.tenant_id,
            id=new_id(),
            user_id=user_id,
            code_hash=_hashed(user_id, key),
            created_at=scope.now,
        )
        for key in keys
    )
    db.session.flush()
    publish(scope, RecoveryCodesMade("second_factor", user_id))
    return [written_code(key) for key in keys]


def use_recovery_code(scope: Scope, user_id: UUID, typed: str, at: datetime) -> bool:
    """Whether this is an unused code of the person's; it is used up by asking, once however many ask."""
    key = code_key(typed)
    used = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.tenant_id == scope.tenant_id,
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == _hashed(user_id, key),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if used is None or not key:
        return False
    publish(scope, RecoveryCodeUsed("second_factor", user_id, count_recovery_codes(scope.tenant_id, user_id)))
    return True


def drop_recovery_codes(tenant_id: UUID, user_id: UUID) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.tenant_id == tenant_id, RecoveryCode.user_id == user_id))


def _hashed(user_id: UUID, key: str) -> str:
    return hashlib.sha256(f"{user_id}|{key}".encode()).hexdigest()
