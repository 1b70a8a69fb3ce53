"""The one place that asks what time it is; everything else is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import uuid_utils

_moved: list[Path] = []


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC) + _ahead() if _moved else datetime.now(UTC)


def moved_by(file: Path) -> None:
    """From now on it is as many seconds later as stands in this file: how tests of a running product move time."""
    _moved[:] = [file]


def _ahead() -> timedelta:
    try:
        return timedelta(seconds=float(_moved[0].read_text()))
    except (OSError, ValueError):
        return timedelta()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids sort by the time they were made."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
