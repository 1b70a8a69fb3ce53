"""What one has been told. Whose notices they are is always whoever asks: nobody reads another's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select

from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db
from app.notifications.models import Notice

PAGE_SIZE = 20
MOST_COUNTED = 99
"""The bell shows no greater number; more are "99+"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices: `before` and `after` are ids of notices at the edge of a page."""

    unread: bool = False
    before: UUID | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class NoticePage:
    """One page, newest first, with the ids that lead to its neighbours."""

    notices: tuple[Notice, ...]
    older: UUID | None = None
    newer: UUID | None = None


def list_notices(scope: Scope, wanted: Wanted) -> NoticePage:
    """A page of the asker's notices by keyset."""
    query = select(Notice).where(*_mine(scope, unread=wanted.unread))
    if wanted.after:
        query = query.where(Notice.id > wanted.after).order_by(Notice.id)
    else:
        query = query.order_by(Notice.id.desc())
        query = query.where(Notice.id < wanted.before) if wanted.before else query
    found = list(db.session.scalars(query.limit(PAGE_SIZE + 1)))
    more, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if wanted.after:
        rows.reverse()
    return NoticePage(
        notices=tuple(rows),
        older=rows[-1].id if rows and (more or wanted.after) else None,
        newer=rows[0].id if rows and (wanted.before or (wanted.after and more)) else None,
    )


def count_unread(scope: Scope) -> int:
    """How many the asker has not read, counted no further than one above `MOST_COUNTED`."""
    some = select(literal(1)).select_from(Notice).where(*_mine(scope, unread=True)).limit(MOST_COUNTED + 1)
    return db.session.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def get_notice(scope: Scope, notice_id: UUID) -> Notice:
    """One of the asker's own, until the transaction ends. Raises NotFound, also for somebody else's."""
    query = select(Notice).where(*_mine(scope), Notice.id == notice_id).with_for_update()
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This notice does not exist, or is not yours to see.")
    return found


def _mine(scope: Scope, *, unread: bool = False) -> list[ColumnElement[bool]]:
    mine: list[ColumnElement[bool]] = [Notice.tenant_id == scope.tenant_id, Notice.user_id == scope.user_id]
    return [*mine, Notice.read_at.is_(None)] if unread else mine
