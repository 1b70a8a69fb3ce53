"""Texts that are written once: those the asker may use."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from app.accounts.queries import list_team_ids
from app.core.errors import NotFound
from app.core.records.text import fold
from app.core.scope import Scope
from app.extensions import db
from app.tickets.models.conversation import ALL, OWN, TEAM, CannedReply

MOST = 500


def list_canned(scope: Scope, q: str = "", *, limit: int = MOST) -> list[CannedReply]:
    """The asker's own, their teams' and everybody's, the most used first; with `q` those that hold each word of it.

    There are few hundred at most, so they are looked through here; below a policy no index would.
    """
    query = select(CannedReply).where(_usable(scope)).order_by(CannedReply.title_key, CannedReply.id).limit(MOST)
    rows: Sequence[CannedReply] = db.session.scalars(query).all()
    wanted = fold(q).split()
    found = [row for row in rows if _holds(row, wanted)]
    # A word in the title says more than one in the text.
    found.sort(key=lambda row: (not all(word in row.title_key for word in wanted), -row.uses, row.title_key))
    return found[:limit]


def get_canned(scope: Scope, canned_id: UUID, *, lock: bool = False) -> CannedReply:
    """One that the asker may use. Raises NotFound."""
    query = select(CannedReply).where(CannedReply.id == canned_id, _usable(scope))
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This canned reply does not exist, or is not yours to see.")
    return row


def _usable(scope: Scope) -> ColumnElement[bool]:
    mine = and_(CannedReply.visibility == OWN, CannedReply.owner_id == scope.user_id)
    shared = CannedReply.visibility == ALL
    if scope.may("desk:manage"):
        return or_(mine, shared, CannedReply.visibility == TEAM)
    teams = list_team_ids(scope, scope.user_id) if scope.user_id else []
    return or_(mine, shared, and_(CannedReply.visibility == TEAM, CannedReply.team_id.in_(teams)))


def _holds(row: CannedReply, wanted: Sequence[str]) -> bool:
    text = fold(f"{row.title} {row.category} {row.body}") if wanted else ""
    return all(word in text for word in wanted)
