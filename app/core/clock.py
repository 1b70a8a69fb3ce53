"""The one place that asks what time it is; everything else is told."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids sort by the time they were made."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
