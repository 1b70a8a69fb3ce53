"""What a lead may become, and what makes one complete. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NEW, CONTACTED, QUALIFIED, CONVERTED = "new", "contacted", "qualified", "converted"
NURTURING, UNQUALIFIED, LOST = "nurturing", "unqualified", "lost"

STATUSES: tuple[tuple[str, str, str], ...] = (
    (NEW, "New", "info"),
    (CONTACTED, "Contacted", "accent"),
    (QUALIFIED, "Qualified", "success"),
    (CONVERTED, "Converted", "success"),
    (NURTURING, "Nurturing", "warning"),
    (UNQUALIFIED, "Unqualified", "neutral"),
    (LOST, "Lost", "danger"),
)

# Forward one step at a time; aside to nurturing; out with a reason; back in from anywhere but converted,
# whose customer exists by then.
MOVES: Mapping[str, tuple[str, ...]] = {
    NEW: (CONTACTED, QUALIFIED, NURTURING, UNQUALIFIED, LOST),
    CONTACTED: (QUALIFIED, NURTURING, UNQUALIFIED, LOST),
    QUALIFIED: (CONVERTED, CONTACTED, NURTURING, UNQUALIFIED, LOST),
    CONVERTED: (),
    NURTURING: (CONTACTED, QUALIFIED, UNQUALIFIED, LOST),
    UNQUALIFIED: (NEW, NURTURING),
    LOST: (NEW, NURTURING),
}
REASONED = frozenset({UNQUALIFIED, LOST})


def missing_identity(values: Mapping[str, Any]) -> dict[str, str]:
    """A lead needs something to be known by: a name, a company or an e-mail address."""
    if any(values.get(name) for name in ("first_name", "last_name", "company", "email")):
        return {}
    return {"last_name": "Give at least a name, a company or an e-mail address."}


def lead_title(values: Mapping[str, Any]) -> str:
    """The name, or the company, or the address: what a lead is called."""
    name = " ".join(part for part in (values.get("first_name"), values.get("last_name")) if part)
    return name or values.get("company") or values.get("email") or "Unnamed lead"
