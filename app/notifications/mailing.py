"""The mails of notices: one for each, or one for all of a digest in the transaction that tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts.queries import Identity, get_tenant, scope_of
from app.core import db as database
from app.core.links import absolute_url
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail
from app.notifications.models import Notice

NAMED = 20
"""How many things a digest names; of the others it says how many there are."""
SUBJECT_MAX = 200
Link = tuple[str, Mapping[str, Any]]
"""An endpoint and its values, as `url_for` takes them."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, to whomever. `kind` is for the preferences that are to come, `key` names the occasion."""

    kind: str
    key: str
    subject: str
    body: str
    link: Link | None
    items: Sequence[tuple[str, Link | None]] = ()
    more: int = 0


def send(scope: Scope, who: Identity, message: Message) -> None:
    """In the person's language and zone."""
    reader = scope_of(get_tenant(scope.tenant_id), who, scope.now)
    send_mail(
        reader,
        to=Recipient(who.name, who.email),
        template="notifications/notice",
        context={
            "subject": message.subject,
            "paragraphs": [part.strip() for part in message.body.split("\n\n") if part.strip()],
            "url": _url(reader, message.link),
            "items": [(line, _url(reader, leads_to)) for line, leads_to in message.items],
            "more": message.more,
        },
        key=f"notice:{message.key}:{who.user_id}",
    )


def gather(scope: Scope, who: Identity, message: Message, notice_id: UUID, title: str) -> None:
    """Sends at the end of the transaction, in one mail with whatever else is gathered under this title by then."""
    key = ("notices", scope.tenant_id, who.user_id, title)
    gathered = database.gathering_step(key)
    if not isinstance(gathered, _Digest):
        gathered = _Digest(scope, who, title)
        database.before_commit(gathered, key=key)
    gathered.messages[notice_id] = message


@dataclass
class _Digest:
    """What one person is told of under one title in this transaction, by notice."""

    scope: Scope
    who: Identity
    title: str
    messages: dict[UUID, Message] = field(default_factory=dict)

    def __call__(self) -> None:
        # What a savepoint took back is not told.
        kept = set(db.session.scalars(select(Notice.id).where(Notice.id.in_(list(self.messages)))))
        messages = [message for notice_id, message in self.messages.items() if notice_id in kept]
        if len(messages) == 1:
            send(self.scope, self.who, messages[0])
        elif messages:
            items = [(message.subject, message.link) for message in messages[:NAMED]]
            subject = one_line(self.title.format(count=f"{len(messages):,}"))
            more = len(messages) - len(items)
            whole = replace(messages[0], subject=subject, body="", link=None, items=items, more=more)
            send(self.scope, self.who, whole)


def one_line(text: str) -> str:
    """A subject: at most 200 characters on one line."""
    return clipped(" ".join(text.split()), SUBJECT_MAX)


def clipped(text: str, most: int) -> str:
    """What PostgreSQL can hold, ending in an ellipsis where something was left out."""
    kept = text.replace("\x00", "").replace("\r\n", "\n").strip()
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def _url(scope: Scope, leads_to: Link | None) -> str:
    return absolute_url(scope, leads_to[0], **leads_to[1]) if leads_to else ""
