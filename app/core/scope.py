"""Who asks, for which tenant, in whose zone and when: the first argument of every query and action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core.access import NOTHING, KindReach
from app.core.clock import now


@dataclass(frozen=True, slots=True)
class Scope:
    """One asker in one tenant at one instant.

    `permissions` are strings such as ``lead:update``. `user_id` is None for the system itself (jobs).
    `region` is the ISO 3166 country that phone numbers without a prefix are read in. `reach` says per record
    kind which rows the asker sees and changes, `reach_elsewhere` for kinds it does not name; `colleagues` are
    the people of all teams the asker is in, and the asker.
    """

    tenant_id: UUID
    tenant_name: str
    tenant_slug: str
    user_id: UUID | None = None
    user_name: str = "Fairlead"
    user_email: str = ""
    role: str = "system"
    permissions: frozenset[str] = frozenset()
    reach: Mapping[str, KindReach] = field(default_factory=dict)
    reach_elsewhere: KindReach = NOTHING
    colleagues: frozenset[UUID] = frozenset()
    locale: str = "en"
    zone: str = "UTC"
    region: str = "US"
    currency: str = "USD"
    now: datetime = field(default_factory=now)

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def reach_of(self, kind: str) -> KindReach:
        """Which records of this kind the asker sees and changes; nothing unless somebody said so."""
        return self.reach.get(kind, self.reach_elsewhere)

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class TenantNotSet(RuntimeError):
    """SQL was about to run with no tenant: a mistake in our code, never an answer of all rows."""


class WrongTenant(RuntimeError):
    """SQL was about to run in a transaction that was begun for another tenant: commit or roll back first."""


class _Nobody(Enum):
    """The deliberate absence of a tenant: only tables without `tenant_id` show rows."""

    NOBODY = "nobody"


NOBODY = _Nobody.NOBODY
_tenant: ContextVar[UUID | _Nobody | None] = ContextVar("tenant", default=None)
_read_only: ContextVar[bool] = ContextVar("read_only", default=False)


def current_tenant() -> UUID | _Nobody:
    """The tenant of this request, job or command.

    Raises:
        TenantNotSet: nobody has said which.
    """
    tenant = _tenant.get()
    if tenant is None:
        raise TenantNotSet("Enter a tenant first: core.scope.tenant_context(tenant_id), or no_tenant().")
    return tenant


def has_tenant() -> bool:
    """Whether somebody has said which tenant, or that it is none."""
    return _tenant.get() is not None


def set_tenant(tenant: UUID | _Nobody | None) -> Token[UUID | _Nobody | None]:
    """Sets the tenant until `reset_tenant`; for the request pipeline, everything else uses the contexts."""
    return _tenant.set(tenant)


def reset_tenant(token: Token[UUID | _Nobody | None]) -> None:
    _tenant.reset(token)


@contextmanager
def tenant_context(tenant_id: UUID) -> Iterator[None]:
    """Every transaction begun inside belongs to this tenant."""
    token = _tenant.set(tenant_id)
    try:
        yield
    finally:
        _tenant.reset(token)


@contextmanager
def no_tenant() -> Iterator[None]:
    """Transactions begun inside see no tenant's rows."""
    token = _tenant.set(NOBODY)
    try:
        yield
    finally:
        _tenant.reset(token)


def set_read_only(value: bool) -> Token[bool]:
    """Transactions begun from now on cannot write; for the request pipeline, which says so for every GET."""
    return _read_only.set(value)


def reset_read_only(token: Token[bool]) -> None:
    _read_only.reset(token)


def is_read_only() -> bool:
    return _read_only.get()


@contextmanager
def writable() -> Iterator[None]:
    """Transactions begun inside may write, whatever the request is."""
    token = _read_only.set(False)
    try:
        yield
    finally:
        _read_only.reset(token)
