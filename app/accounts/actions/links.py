"""Links in mail (ADR 22): signed, good once, for a time; of each only a hash is stored.

token = issue_link(scope, INVITATION, user.id)          # stands in the mail and nowhere else
link = look_at_link(tenant_id, token, at)               # a GET: mail scanners open links, so nothing is used up
link = redeem_link(tenant_id, token, at, INVITATION)    # the POST: used, whoever else holds it is too late
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from itsdangerous import BadSignature, Signer
from sqlalchemy import delete, select, update

from app.accounts.events import LinkIssued, LinkUsed
from app.accounts.models import Link
from app.accounts.queries import get_user, token_hash
from app.accounts.rules import PURPOSES, Dead
from app.core.clock import new_id
from app.core.errors import FairleadError
from app.core.events import publish
from app.core.scope import Scope
from app.core.secrets import derive_for, key_ids
from app.extensions import db

_MAX_TOKEN = 300
_ENDED = "ended"


class DeadLink(FairleadError):
    """A link that is not good, or not any more: 404 if we know nothing of it, else 410 (gone)."""

    title = "This link does not work"

    def __init__(self, why: Dead, purpose: str | None = None) -> None:
        super().__init__(why.sentence)
        self.why, self.purpose = why, purpose
        self.status = 404 if why is Dead.UNKNOWN else 410


def issue_link(scope: Scope, purpose: str, user_id: UUID, data: Mapping[str, Any] | None = None) -> str:
    """Makes a link for a person of this tenant; returns its token. One row, one event, in this transaction.

    Raises:
        NotFound: there is no such person here.
    """
    spec = PURPOSES[purpose]
    # Two asked for at once: the row of the person says who comes first.
    get_user(scope, user_id, lock=True)
    if spec.replaces:
        end_links(scope, user_id, purpose, Dead.REPLACED)
    link_id = new_id()
    token = _signer(scope.tenant_id).sign(f"{link_id.hex}{secrets.token_urlsafe(32)}").decode()
    row = Link(
        tenant_id=scope.tenant_id,
        id=link_id,
        purpose=purpose,
        user_id=user_id,
        token_hash=token_hash(token),
        data=dict(data or {}),
        created_at=scope.now,
        expires_at=scope.now + spec.lifetime,
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, LinkIssued("link", link_id, purpose=purpose, user_id=user_id))
    return token


def look_at_link(tenant_id: UUID, token: str, at: datetime, *, lock: bool = False) -> Link:
    """The link this token names, if it is good; looking uses nothing up.

    Raises:
        DeadLink: it is not, for one of the reasons of `Dead`. Whoever altered it, or brings another tenant's,
            hears the same as for one that never was.
    """
    query = select(Link).where(Link.tenant_id == tenant_id, Link.id == _id_in(tenant_id, token))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(query).one_or_none()
    if row is None or not hmac.compare_digest(row.token_hash, token_hash(token)):
        raise DeadLink(Dead.UNKNOWN)
    if row.used_at is not None:
        raise DeadLink(Dead(row.data.get(_ENDED, Dead.USED)), row.purpose)
    if row.expires_at <= at:
        raise DeadLink(Dead.EXPIRED, row.purpose)
    return row


def redeem_link(tenant_id: UUID, token: str, at: datetime, purpose: str) -> Link:
    """Locks the link and uses it up; of two at once, the second finds it used. Flushes, so an error gives it back.

    Raises:
        DeadLink: see `look_at_link`; also for a link of another purpose.
    """
    row = look_at_link(tenant_id, token, at, lock=True)
    if row.purpose != purpose:
        raise DeadLink(Dead.UNKNOWN)
    row.used_at = at
    db.session.flush()
    return row


def record_use(scope: Scope, link: Link) -> None:
    """Says in the log that the link was used; `scope` is of the person it was for."""
    publish(scope, LinkUsed("link", link.id, purpose=link.purpose, user_id=link.user_id))


def end_links(scope: Scope, user_id: UUID, purpose: str | None = None, why: Dead = Dead.WITHDRAWN) -> int:
    """Ends the person's unused links (of one purpose), and forgets what they carried; returns how many."""
    which = (Link.purpose == purpose,) if purpose else ()
    ended = db.session.execute(
        update(Link)
        .where(Link.tenant_id == scope.tenant_id, Link.user_id == user_id, Link.used_at.is_(None), *which)
        .values(used_at=scope.now, data={_ENDED: why.value})
        .returning(Link.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


def purge_links(tenant_id: UUID, before: datetime) -> int:
    """Removes links that expired before then; until they go, they can still say what became of them."""
    gone = db.session.execute(
        delete(Link).where(Link.tenant_id == tenant_id, Link.expires_at < before).returning(Link.id)
    )
    return len(gone.all())


def _id_in(tenant_id: UUID, token: str) -> UUID:
    """The id a genuine token begins with. Raises DeadLink(UNKNOWN)."""
    try:
        if len(token) > _MAX_TOKEN:
            raise ValueError
        return UUID(_signer(tenant_id).unsign(token).decode()[:32])
    except (BadSignature, ValueError) as wrong:
        raise DeadLink(Dead.UNKNOWN) from wrong


def _signer(tenant_id: UUID) -> Signer:
    """Signs with the current key, and believes every key of the ring; a token of one tenant means nothing in another.

    The signature spares the database every guess; what nobody can make is the random part, which only its hash knows.
    """
    keys = [derive_for(kid, "links") for kid in reversed(key_ids())]
    return Signer(keys, salt=f"link:{tenant_id}", key_derivation="hmac", digest_method=hashlib.sha256)
