"""What a tenant decides for itself about coming in and keeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

BOUNDS: Mapping[str, tuple[int, int]] = {
    "lockout_tries": (3, 20),
    "session_hours": (1, 24),
    "idle_minutes": (5, 1440),
    "keep_deleted_days": (1, 365),
    "keep_imports_days": (1, 3650),
    "keep_sign_ins_days": (7, 3650),
    "keep_closed_leads_days": (30, 3650),
}
"""The least and the most of every number a tenant may choose."""

KEPT_FOR_GOOD = frozenset({"keep_imports_days", "keep_closed_leads_days"})
"""What may also be kept without an end: None."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Read from the tenant's row; what is not there, or makes no sense, has its default.

    `second_factor_for` are role names (a tenant's own by its id) that must have a second factor. Retention is in
    days; None keeps for good.
    """

    lockout_tries: int = 5
    session_hours: int = 24
    idle_minutes: int = 480
    second_factor_for: tuple[str, ...] = ()
    keep_deleted_days: int = 30
    keep_imports_days: int | None = 90
    keep_sign_ins_days: int = 90
    keep_closed_leads_days: int | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Policy:
        """The policy of a tenant's row."""
        known = {spec.name for spec in fields(cls)}
        given = {name: value for name, value in stored.items() if name in known}
        if "second_factor_for" in given:
            given["second_factor_for"] = tuple(given["second_factor_for"])
        return cls(**given)

    def stored(self) -> dict[str, Any]:
        """As the row keeps it."""
        return asdict(self) | {"second_factor_for": list(self.second_factor_for)}

    @property
    def lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def idle(self) -> timedelta:
        return timedelta(minutes=self.idle_minutes)
