"""Whether a tenant is suspended, for work on the ground floor that lasts longer than a request.

`core` may not import `accounts`, so accounts says at start how to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

_provider: list[Callable[[UUID], bool]] = []


def provided_by(provider: Callable[[UUID], bool]) -> None:
    """Said once by the storey that keeps tenants."""
    _provider[:] = [provider]


def is_suspended(tenant_id: UUID) -> bool:
    """Whether the operator has closed it, as of now."""
    return bool(_provider) and _provider[0](tenant_id)
