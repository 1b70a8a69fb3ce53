"""Who has tried too often."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from app.accounts.models import SignInGuard
from app.accounts.queries.people import get_user
from app.accounts.rules import email_key
from app.core.scope import Scope
from app.core.secrets import derive
from app.extensions import db


@dataclass(frozen=True, slots=True)
class Lock:
    """That someone cannot come in, from where (`sources`), and until when."""

    until: datetime
    sources: tuple[str, ...]


def account_hash(tenant_id: UUID, email: str) -> str:
    """What guards call an address, whether or not somebody here has it.

    Keyed, so that the table tells no addresses; when the key ring turns, counting begins anew.
    """
    key = derive("sign-in guards")
    return hmac.new(key, f"{tenant_id}|{email_key(email)}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def lock_of(scope: Scope, user_id: UUID) -> Lock | None:
    """The locks on this person's sign-in as of now; None if there is none. Raises NotFound."""
    user = get_user(scope, user_id)
    rows = db.session.scalars(
        select(SignInGuard).where(
            SignInGuard.tenant_id == scope.tenant_id,
            SignInGuard.account_key == account_hash(scope.tenant_id, user.email),
            SignInGuard.locked_until > scope.now,
        )
    ).all()
    ends = [row.locked_until for row in rows if row.locked_until]
    return Lock(max(ends), tuple(sorted(row.source for row in rows))) if ends else None


def find_guards(tenant_id: UUID, account: str, sources: Iterable[str]) -> dict[str, SignInGuard]:
    """The rows of these sources that exist, as they stand now."""
    return _by_source(_of(tenant_id, account, sources))


def locked_guards(tenant_id: UUID, account: str, sources: Iterable[str]) -> dict[str, SignInGuard]:
    """The same, locked until the transaction ends, always in one order."""
    return _by_source(_of(tenant_id, account, sources).with_for_update())


def _of(tenant_id: UUID, account: str, sources: Iterable[str]) -> Select[SignInGuard]:
    return (
        select(SignInGuard)
        .where(
            SignInGuard.tenant_id == tenant_id,
            SignInGuard.account_key == account,
            SignInGuard.source.in_(sorted(sources)),
        )
        .order_by(SignInGuard.source)
        .execution_options(populate_existing=True)
    )


def _by_source(query: Select[SignInGuard]) -> dict[str, SignInGuard]:
    return {row.source: row for row in db.session.scalars(query)}
