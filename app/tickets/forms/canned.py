"""The form of a canned reply."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.tickets.models.conversation import OWN


def read_canned(form: MultiDict[str, str]) -> dict[str, Any]:
    """The fields as typed; `team_id` is None if it names no team."""
    try:
        team_id = UUID(form.get("team_id", ""))
    except ValueError:
        team_id = None
    return {
        "title": form.get("title", ""),
        "body": form.get("body", ""),
        "category": form.get("category", ""),
        "visibility": form.get("visibility", OWN),
        "team_id": team_id,
    }
