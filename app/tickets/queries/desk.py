"""How the asker's desk is set up: settings, categories and teams, kept in the cache until one changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts.queries import list_team_ids, list_teams
from app.core import cache
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.records.fields import Named
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models import DeskRow, TicketCategory
from app.tickets.rules.settings import DeskSettings, read_settings

DESK_KIND, CATEGORY_KIND = "desk", "category"
"""Under what names settings and categories are cached, and their events are filed."""
_SECONDS = 3600
_LOOK_BACK = 50


def get_desk_settings(scope: Scope) -> DeskSettings:
    """The tenant's settings, or the defaults."""
    return read_settings(
        cache.get_or_make(scope.tenant_id, (DESK_KIND,), "desk-settings", lambda: _stored(scope), ttl=_SECONDS)
    )


def get_desk_row(scope: Scope, *, lock: bool = False) -> DeskRow | None:
    """The stored settings, None before anything was set."""
    query = select(DeskRow).where(DeskRow.tenant_id == scope.tenant_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one_or_none()


def list_desk_changes(scope: Scope, desk_id: UUID, since: int) -> list[EventRow]:
    """The changes of the settings that made later versions than this, newest first."""
    rows = db.session.scalars(
        select(EventRow)
        .where(EventRow.tenant_id == scope.tenant_id, EventRow.subject_id == desk_id, EventRow.type == "desk.changed")
        .order_by(EventRow.id.desc())
        .limit(_LOOK_BACK)
    )
    return [row for row in rows if row.data["version"] > since]


def list_categories(scope: Scope) -> list[TicketCategory]:
    """All of them, the archived last."""
    order = (TicketCategory.archived, TicketCategory.place, TicketCategory.name_key)
    return list(db.session.scalars(select(TicketCategory).order_by(*order)))


def get_category(scope: Scope, category_id: UUID, *, lock: bool = False) -> TicketCategory:
    """Raises NotFound if there is none, or it is another tenant's."""
    query = select(TicketCategory).where(TicketCategory.id == category_id)
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This category does not exist, or is not yours to see.")
    return row


def list_category_names(scope: Scope) -> Sequence[Named]:
    """The categories tickets can have, as fields offer them."""
    kept = cache.get_or_make(
        scope.tenant_id,
        (CATEGORY_KIND,),
        "category-options",
        lambda: [[str(row.id), row.name, not row.archived] for row in list_categories(scope)],
        ttl=_SECONDS,
    )
    return _named(tuple(map(tuple, kept)))


def list_team_names(scope: Scope) -> Sequence[Named]:
    """The teams tickets can belong to, as fields offer them."""
    kept = cache.get_or_make(
        scope.tenant_id,
        ("team",),
        "team-options",
        lambda: [[str(team.id), team.name, True] for team in list_teams(scope)],
        ttl=_SECONDS,
    )
    return _named(tuple(map(tuple, kept)))


def list_own_teams(scope: Scope) -> list[UUID]:
    """The teams whoever asks is in; cached."""
    if scope.user_id is None:
        return []
    kept = cache.get_or_make(
        scope.tenant_id,
        ("team", "user"),
        f"teams-of:{scope.user_id}",
        lambda: list(map(str, list_team_ids(scope, scope.user_id))) if scope.user_id else [],
        ttl=_SECONDS,
    )
    return [UUID(team) for team in kept]


@lru_cache(maxsize=256)
def _named(kept: tuple[tuple[Any, ...], ...]) -> tuple[Named, ...]:
    """Asked for every row of a page: made once for what the cache holds."""
    return tuple(Named(UUID(id_), name, active) for id_, name, active in kept)


def _stored(scope: Scope) -> dict[str, Any]:
    row = get_desk_row(scope)
    return dict(row.settings) if row else {}
