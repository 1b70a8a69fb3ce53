"""Counting tries before they are made, so that a hundred at once are counted too (ADR 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.accounts.events import SignInLocked, SignInRefused, SignInUnlocked
from app.accounts.models import SignInGuard, User
from app.accounts.queries import TenantInfo, account_hash, find_guards, get_user, locked_guards, system_scope
from app.accounts.rules.guarding import (
    CODES,
    EVERYWHERE,
    LONGEST_LOCK,
    QUIET,
    Standing,
    after_quiet,
    after_success,
    after_try,
    limit_of,
    masked,
    source_of_address,
)
from app.core.clock import new_id
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Account:
    """Who is tried: an address of the tenant, and the person if there is one."""

    tenant: TenantInfo
    email: str
    user_id: UUID | None

    @property
    def key(self) -> str:
        return account_hash(self.tenant.id, self.email)


@dataclass(frozen=True, slots=True)
class Where:
    """Where from: the address, and the known device of this account, if it is one."""

    ip: str | None
    device_id: UUID | None = None

    def sources(self, *, codes: bool = False) -> tuple[str, ...]:
        """A known device stands for itself alone. Codes are counted from everywhere else together."""
        if self.device_id is not None:
            return (f"{CODES}:device:{self.device_id}" if codes else f"device:{self.device_id}",)
        return (CODES,) if codes else (EVERYWHERE, source_of_address(self.ip))


@dataclass(frozen=True, slots=True)
class Try:
    """A counted try: refused without looking if `locked`, else what its failure has locked already."""

    account: Account
    where: Where
    at: datetime
    sources: tuple[str, ...]
    locked: bool = False
    failed_here: int = 0
    locks: Mapping[str, Standing] = field(default_factory=dict)


def reserve(account: Account, where: Where, at: datetime, *, codes: bool = False) -> Try:
    """Counts a try as failed before it is made; the caller commits before it looks, or holds the rows till the end.

    Who is locked already waits for no row: a flood of tries is answered as fast as it comes.
    """
    sources = where.sources(codes=codes)
    _make_rows(account, sources, at)
    if _any_locked(find_guards(account.tenant.id, account.key, sources), at):
        # As many round trips as a try that is counted, so that time does not tell (claim 19).
        for _ in range(2):
            find_guards(account.tenant.id, account.key, sources)
        return Try(account, where, at, sources, locked=True)
    rows = locked_guards(account.tenant.id, account.key, sources)
    if _any_locked(rows, at):
        return Try(account, where, at, sources, locked=True)
    before = {source: after_quiet(_standing(row), at) for source, row in rows.items()}
    tries = account.tenant.policy.lockout_tries
    after = {source: after_try(standing, at, limit_of(source, tries)) for source, standing in before.items()}
    for source, standing in after.items():
        _store(rows[source], standing)
    db.session.flush()
    locks = {source: standing for source, standing in after.items() if standing.is_locked(at)}
    return Try(account, where, at, sources, failed_here=before[sources[-1]].failures + 1, locks=locks)


def forgive(attempt: Try) -> None:
    """It was right: its source begins anew, and all sources together forget what failed there."""
    account = attempt.account
    rows = locked_guards(account.tenant.id, account.key, attempt.sources)
    for source, row in rows.items():
        if source == EVERYWHERE:
            locked_by_it = source in attempt.locks and row.locked_until == attempt.locks[source].locked_until
            _store(row, after_success(_standing(row), attempt.failed_here, locked_by_it=locked_by_it))
        else:
            db.session.delete(row)
    db.session.flush()


def refuse(attempt: Try, reason: str) -> None:
    """It was wrong, or not looked at: writes down why, and the lock if this try set one."""
    account, where = attempt.account, attempt.where
    scope = replace(system_scope(account.tenant.id), now=attempt.at)
    subject = account.user_id or UUID(account.key[:32])
    address = None if account.user_id else masked(account.email)
    known = where.device_id is not None
    publish(scope, SignInRefused("sign_in", subject, reason, where.ip, known, address))
    for source, standing in attempt.locks.items():
        assert standing.locked_until is not None
        publish(
            scope,
            SignInLocked("sign_in", subject, source, where.ip, standing.locked_until, standing.rounds, address),
        )


def unlock(scope: Scope, user_id: UUID) -> None:
    """Ends every lock on a person's sign-in and forgets what failed. Raises NotFound."""
    user = get_user(scope, user_id)
    gone = db.session.execute(
        delete(SignInGuard)
        .where(
            SignInGuard.tenant_id == scope.tenant_id,
            SignInGuard.account_key == account_hash(scope.tenant_id, user.email),
        )
        .returning(SignInGuard.id)
    ).all()
    if gone:
        publish(scope, SignInUnlocked("sign_in", user.id))


def purge_guards(tenant_id: UUID, at: datetime) -> int:
    """Removes what a quiet day has made worth nothing; returns how many."""
    gone = db.session.execute(
        delete(SignInGuard)
        .where(SignInGuard.tenant_id == tenant_id, SignInGuard.last_failed_at < at - QUIET - LONGEST_LOCK)
        .returning(SignInGuard.id)
    )
    return len(gone.all())


def account_of(tenant: TenantInfo, user: User) -> Account:
    return Account(tenant, user.email, user.id)


def _make_rows(account: Account, sources: tuple[str, ...], at: datetime) -> None:
    """The sources' rows, if there are none yet."""
    first = {"tenant_id": account.tenant.id, "account_key": account.key, "failures": 0, "rounds": 0}
    rows = [{**first, "id": new_id(), "source": source, "last_failed_at": at} for source in sorted(sources)]
    made = insert(SignInGuard).values(rows)
    db.session.execute(made.on_conflict_do_nothing(index_elements=["tenant_id", "account_key", "source"]))


def _any_locked(rows: Mapping[str, SignInGuard], at: datetime) -> bool:
    return any(_standing(row).is_locked(at) for row in rows.values())


def _standing(row: SignInGuard) -> Standing:
    return Standing(row.failures, row.rounds, row.last_failed_at, row.locked_until)


def _store(row: SignInGuard, standing: Standing) -> None:
    row.failures, row.rounds = standing.failures, standing.rounds
    row.last_failed_at = standing.last_failed_at or row.last_failed_at
    row.locked_until = standing.locked_until
