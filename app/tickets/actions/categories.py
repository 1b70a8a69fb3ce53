"""Categories: what tickets are about, in the tenant's own words."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.records.text import fold
from app.core.scope import Scope
from app.extensions import db
from app.tickets.events import CategoryChanged
from app.tickets.models import TicketCategory
from app.tickets.queries import CATEGORY_KIND, get_category

MOST = 500


def create_category(scope: Scope, name: str, description: str = "") -> UUID:
    """Adds a category at the end. Raises Invalid: the name is taken, or there are five hundred."""
    _check_name(scope, name)
    made = new_id()
    _add(scope, made, name, description)
    _tell(scope, made, name, "made")
    return made


def add_categories(scope: Scope, names: Mapping[UUID, str]) -> None:
    """The categories a file brings along, under the ids its rows carry already. Raises Invalid past five hundred."""
    for id_, name in names.items():
        _check_name(scope, name)
        _add(scope, id_, name, "")
        _tell(scope, id_, name, "made")


def update_category(scope: Scope, category_id: UUID, version: int, name: str, description: str) -> None:
    """Renames or describes a category.

    Raises:
        NotFound: there is none. Invalid: the name is taken. Conflict: somebody changed it since.
    """
    row = get_category(scope, category_id, lock=True)
    if row.version != version:
        raise Conflict(f"The category {row.name} was changed meanwhile.", version=row.version)
    if fold(name) != row.name_key:
        _check_name(scope, name)
    row.name, row.name_key, row.description = name, fold(name), description
    _touch(scope, row, "changed")


def archive_category(scope: Scope, category_id: UUID, archived: bool) -> None:
    """Offers it no more, or again; tickets keep it. Raises NotFound."""
    row = get_category(scope, category_id, lock=True)
    if row.archived != archived:
        row.archived = archived
        _touch(scope, row, "archived" if archived else "restored")


def move_category(scope: Scope, category_id: UUID, up: bool) -> None:
    """One place up or down among those offered. Raises NotFound."""
    row = get_category(scope, category_id, lock=True)
    query = select(TicketCategory).where(TicketCategory.archived.is_(row.archived)).with_for_update()
    rows = list(db.session.scalars(query.order_by(TicketCategory.place, TicketCategory.name_key)))
    here = rows.index(row)
    there = here - 1 if up else here + 1
    if 0 <= there < len(rows):
        rows[here], rows[there] = rows[there], rows[here]
        for place, one in enumerate(rows):
            one.place = place
        _touch(scope, row, "moved")


def _add(scope: Scope, category_id: UUID, name: str, description: str) -> None:
    last = db.session.scalar(select(func.max(TicketCategory.place)))
    db.session.add(
        TicketCategory(
            tenant_id=scope.tenant_id,
            id=category_id,
            name=name,
            name_key=fold(name),
            description=description,
            place=(last or 0) + 1,
            archived=False,
            created_at=scope.now,
            updated_at=scope.now,
        )
    )
    db.session.flush()


def _check_name(scope: Scope, name: str) -> None:
    taken = db.session.scalar(select(TicketCategory.id).where(TicketCategory.name_key == fold(name)))
    if taken is not None:
        raise Invalid({"name": f"There is a category called {name} already."})
    if (db.session.scalar(select(func.count()).select_from(TicketCategory)) or 0) >= MOST:
        raise Invalid({"name": f"There are {MOST} categories already: archive does not make room, fewer names do."})


def _touch(scope: Scope, row: TicketCategory, what: str) -> None:
    row.version += 1
    row.updated_at = scope.now
    db.session.flush()
    _tell(scope, row.id, row.name, what)


def _tell(scope: Scope, category_id: UUID, name: str, what: str) -> None:
    publish(scope, CategoryChanged(CATEGORY_KIND, category_id, name=name, what=what))
