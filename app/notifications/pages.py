"""What the page of notices shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for
from werkzeug.routing import BuildError

from app.core.scope import Scope
from app.notifications import queries
from app.notifications.models import Notice
from app.notifications.queries import Wanted

ALL, UNREAD = "all", "unread"


@dataclass(frozen=True, slots=True)
class Line:
    """A notice as the list draws it. `url` is where it leads, None for nowhere; `items` are lines with theirs."""

    id: UUID
    subject: str
    paragraphs: list[str]
    url: str | None
    items: list[tuple[str, str | None]]
    more: int
    at: datetime
    unread: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of notices. `state` is what its address says, for the links that stay in it."""

    lines: list[Line]
    show: str
    unread: int
    older: UUID | None
    newer: UUID | None
    newest: UUID | None
    state: Mapping[str, str]


def list_page(scope: Scope, show: str, before: str | None, after: str | None) -> ListPage:
    """The page that is asked for; an address that says nonsense shows the first."""
    shown = UNREAD if show == UNREAD else ALL
    wanted = Wanted(shown == UNREAD, _uuid(before), _uuid(after))
    found = queries.list_notices(scope, wanted)
    if not found.notices and (wanted.before or wanted.after):
        # What stood there was read or is gone: the first page instead of an empty one.
        found, wanted = queries.list_notices(scope, Wanted(wanted.unread)), Wanted(wanted.unread)
    edges = {"before": wanted.before, "after": wanted.after}
    return ListPage(
        lines=[_line(notice) for notice in found.notices],
        show=shown,
        unread=queries.count_unread(scope),
        older=found.older,
        newer=found.newer,
        newest=found.notices[0].id if found.notices else None,
        state={"show": shown} | {name: str(edge) for name, edge in edges.items() if edge},
    )


def address_of(endpoint: str | None, values: Mapping[str, Any]) -> str | None:
    """Where a notice leads; None if it leads nowhere, or to a page that a later release did away with."""
    if not endpoint:
        return None
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def _line(notice: Notice) -> Line:
    items = [(item["subject"], address_of(item["endpoint"], item["values"])) for item in notice.items]
    return Line(
        id=notice.id,
        subject=notice.subject,
        paragraphs=[part.strip() for part in notice.body.split("\n\n") if part.strip()],
        url=address_of(notice.endpoint, notice.values),
        items=items,
        more=notice.more,
        at=notice.created_at,
        unread=notice.read_at is None,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
