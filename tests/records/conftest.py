from __future__ import annotations

from uuid import UUID

import pytest

from app.core.records.fields import ParseContext
from app.core.scope import Scope

IDA = UUID("01900000-0000-7000-8000-00000000001d")


@pytest.fixture(scope="session")
def scope() -> Scope:
    """Somebody in New York; no database is asked."""
    return Scope(
        tenant_id=UUID("01900000-0000-7000-8000-000000000001"),
        tenant_name="Acme",
        tenant_slug="acme",
        zone="America/New_York",
    )


@pytest.fixture(scope="session")
def context(scope: Scope) -> ParseContext:
    return ParseContext(scope, {str(IDA): IDA, "ida@acme.example": IDA, "ida jose": IDA})
