"""Telling people: the only way a feature does. One notice in the house and one mail, once each for an occasion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.queries import Identity, find_person
from app.core import live
from app.core.chain import id_floor
from app.core.clock import new_id
from app.core.events import jsonable
from app.core.links import absolute_url
from app.core.scope import Scope
from app.extensions import db
from app.notifications import queries
from app.notifications.mailing import NAMED, Link, Message, clipped, gather, one_line, send
from app.notifications.models import Notice

LIVE = "notices"
"""What a person's pages hear when they are told something, or have read it."""
KEPT = timedelta(days=90)
"""Notices that were read are kept so long after."""
KEPT_UNREAD = timedelta(days=365)
"""Nobody reads what has waited for so long."""
BODY_MAX = 4_000


def notify(
    scope: Scope,
    to: Iterable[UUID],
    *,
    kind: str,
    subject: str,
    body: str = "",
    link: Link | None = None,
    key: str,
    mail: bool = True,
    digest: str = "",
) -> int:
    """Tells each of these people, once for each `key`; returns how many were told who had not been.

    Whoever asks is not told of what they did themselves, and people who were disabled are told nothing. Whether
    somebody may see what `link` leads to is for the caller to know. Everything is written into this transaction;
    mail leaves after its commit.

    Args:
        to: ids of people of the scope's tenant; repeated and unknown ones do no harm.
        kind: what sort of occasion it is, such as `ticket.assigned`.
        subject: one line, at most 200 characters; longer ones are cut. No secrets: it is kept in the clear.
        body: plain text; an empty line begins a paragraph. Cut at 4,000 characters.
        link: where it leads, as an endpoint and its values.
        key: the occasion, unique in the tenant: `f"assigned:{ticket.id}:{event.id}"`.
        mail: False for what is worth a notice and no mail.
        digest: for what many records may be told of in one transaction: a person's mails of one digest become one,
            whose subject this is, with `{count}` for how many: `"{count} tickets were given to you"`.

    Raises:
        BuildError: `link` names no page.
    """
    message = Message(kind, key, one_line(subject), clipped(body, BODY_MAX), link)
    return _tell(scope, to, message, mail, digest)


def notify_digest(
    scope: Scope,
    user_id: UUID,
    *,
    kind: str,
    items: Sequence[tuple[str, Link | None]],
    key: str,
    subject: str = "",
    link: Link | None = None,
    mail: bool = True,
    more: int = 0,
) -> int:
    """Tells one person of many things at once: one notice and one mail, which name 20 and say how many more.

    `items` are lines with where each leads; with one of them it is like `notify`. `subject` is written for you if
    you leave it out, `link` is where the whole leads; `more` further things are only counted. Returns 1, or 0 if
    they had been told or there is nothing.

    Raises:
        BuildError: a link names no page.
    """
    if not items:
        return 0
    if len(items) == 1:
        line, leads_to = items[0]
        message = Message(kind, key, one_line(line), "", leads_to or link)
    else:
        named = [(one_line(line), leads_to) for line, leads_to in items[:NAMED]]
        title = subject or f"{len(items) + more} things need your attention"
        message = Message(kind, key, one_line(title), "", link, named, len(items) - len(named) + more)
    return _tell(scope, [user_id], message, mail)


def mark_read(scope: Scope, notice_id: UUID) -> Notice:
    """The asker has read it; once is enough. Raises NotFound: it is not theirs."""
    notice = queries.get_notice(scope, notice_id)
    if notice.read_at is None:
        notice.read_at = scope.now
        db.session.flush()
        _tell_pages_of(scope)
    return notice


def mark_all_read(scope: Scope, newest: UUID) -> int:
    """The asker has read everything up to this one, which was the newest they saw; returns how many that were."""
    done: Any = db.session.execute(
        update(Notice)
        .where(
            Notice.tenant_id == scope.tenant_id,
            Notice.user_id == scope.user_id,
            Notice.read_at.is_(None),
            Notice.id <= newest,
        )
        .values(read_at=scope.now)
        .execution_options(synchronize_session=False)
    )
    _tell_pages_of(scope)
    return int(done.rowcount)


def forget_old(scope: Scope, most: int) -> int:
    """Deletes at most so many of those that were read three months ago, or wait for a year; returns how many."""
    read = Notice.read_at < scope.now - KEPT
    # An id is made a moment after the instant of its notice; a year is no matter of moments.
    forgotten = Notice.id < id_floor(scope.now - KEPT_UNREAD)
    ids: list[UUID] = []
    for over in (read, forgotten):
        query = select(Notice.id).where(Notice.tenant_id == scope.tenant_id, over).limit(most - len(ids))
        ids += db.session.scalars(query)
    gone = delete(Notice).where(Notice.tenant_id == scope.tenant_id, Notice.id.in_(ids))
    db.session.execute(gone, execution_options={"synchronize_session": False})
    return len(ids)


def _tell(scope: Scope, to: Iterable[UUID], message: Message, mail: bool, digest: str = "") -> int:
    people = _who_listens(scope, to)
    if not people:
        return 0
    _check_links(scope, message)
    told = _write(scope, people, message)
    live.tell(scope.tenant_id, *(live.of_person(LIVE, user_id) for user_id in told))
    if mail:
        for who in people:
            if who.user_id not in told:
                continue
            if digest:
                gather(scope, who, message, told[who.user_id], digest)
            else:
                send(scope, who, message)
    return len(told)


def _who_listens(scope: Scope, to: Iterable[UUID]) -> list[Identity]:
    """In the order of their ids: two who tell the same people wait for each other and never in a circle."""
    found = (find_person(scope.tenant_id, user_id) for user_id in sorted(set(to) - {scope.user_id}))
    return [who for who in found if who is not None and not who.disabled]


def _check_links(scope: Scope, message: Message) -> None:
    """A wrong link is a mistake in our code: it shows where it was made, not on the page of whoever is told."""
    for leads_to in (message.link, *(leads_to for _, leads_to in message.items)):
        if leads_to is not None:
            absolute_url(scope, leads_to[0], **leads_to[1])


def _write(scope: Scope, people: Sequence[Identity], message: Message) -> dict[UUID, UUID]:
    """The notices that were written, by person; the others had been told on this occasion."""
    rows = [{**_columns(scope, message), "id": new_id(), "user_id": who.user_id} for who in people]
    statement = insert(Notice).values(rows).on_conflict_do_nothing(index_elements=["tenant_id", "user_id", "key"])
    return {row.user_id: row.id for row in db.session.execute(statement.returning(Notice.user_id, Notice.id))}


def _columns(scope: Scope, message: Message) -> dict[str, Any]:
    endpoint, values = message.link or (None, {})
    items = [{"subject": line, **_stored(leads_to)} for line, leads_to in message.items]
    return {
        "tenant_id": scope.tenant_id,
        "kind": message.kind,
        "key": message.key,
        "subject": message.subject,
        "body": message.body,
        "endpoint": endpoint,
        "values": jsonable(values),
        "items": items,
        "more": message.more,
        "created_at": scope.now,
    }


def _stored(leads_to: Link | None) -> dict[str, Any]:
    endpoint, values = leads_to or (None, {})
    return {"endpoint": endpoint, "values": jsonable(values)}


def _tell_pages_of(scope: Scope) -> None:
    """The asker's other pages show the number as well."""
    live.tell(scope.tenant_id, live.of_person(LIVE, scope.user_id or ""))
