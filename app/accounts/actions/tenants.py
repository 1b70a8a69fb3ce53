"""Making organisations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from app.accounts.models import TenantRecord
from app.accounts.rules import is_reserved, is_slug
from app.core.clock import new_id
from app.core.errors import Invalid


def create_tenant(
    session: Session,
    *,
    slug: str,
    name: str,
    at: datetime,
    zone: str = "UTC",
    locale: str = "en",
    region: str = "US",
    currency: str = "USD",
    tenant_id: UUID | None = None,
) -> UUID:
    """Adds a tenant in the migrator's or operator's `session`: the app role may only read tenants.

    Raises:
        Invalid: the slug cannot stand in an address or is reserved, or the zone is unknown.
    """
    if not is_slug(slug):
        raise Invalid({"slug": "Use small letters, digits and hyphens, up to 63."})
    if is_reserved(slug):
        raise Invalid({"slug": f"{slug} is reserved. Choose another short name."})
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise Invalid({"zone": f"There is no time zone {zone}."}) from unknown
    row = TenantRecord(
        id=tenant_id or new_id(),
        slug=slug,
        name=name.strip() or slug,
        zone=zone,
        locale=locale,
        region=region,
        currency=currency,
        created_at=at,
        policy={},
    )
    session.add(row)
    session.flush()
    return row.id
