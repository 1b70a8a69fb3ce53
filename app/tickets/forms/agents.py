"""How somebody takes part in assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid

_MOST = 1000


def read_agent(form: Mapping[str, str]) -> dict[str, Any]:
    """`available` and `capacity`, those the form names; an empty capacity is the desk's.

    Raises:
        Invalid: the capacity is no whole number from 1 to 1000.
    """
    changes: dict[str, Any] = {}
    if "available" in form:
        changes["available"] = form["available"] == "yes"
    if "capacity" in form:
        text = form["capacity"].strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _MOST):
            raise Invalid({"capacity": f"Capacity is a whole number from 1 to {_MOST:,}, or empty for the desk's."})
        changes["capacity"] = int(text) if text else None
    return changes
