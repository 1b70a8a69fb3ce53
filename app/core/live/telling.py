"""Says what changed, once it is committed: one entry in the tenant's Redis stream for a whole transaction.

What was told of an event is remembered for an hour, so that the dispatcher tells only what a writer could not: one
that died between its commit and this. Redis away: nothing is told, the streams end, and pages that come back ask again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import redis

from app.core import cache
from app.core import db as database

KEPT_ENTRIES = 2000
"""About how far back a page can resume; beyond, it refreshes everything once."""
_KEPT_SECONDS = 24 * 3600
_TOLD_SECONDS = 3600
_MOST_OF_A_KIND = 100


def tell(tenant_id: UUID, *names: str) -> None:
    """Tells these names once this transaction is committed, and never if it is rolled back."""
    _telling(tenant_id).names.update(dict.fromkeys(names))


def tell_event(tenant_id: UUID, event_id: UUID, kind: str, subject_id: UUID) -> None:
    """Tells of an event written in this transaction: its kind and its subject."""
    telling = _telling(tenant_id)
    telling.names.update(dict.fromkeys((kind, f"{kind}:{subject_id}")))
    telling.events.append(event_id)


def tell_kind(tenant_id: UUID, kind: str) -> None:
    """Tells that any record of the kind may have changed: work in bulk that does not say which."""
    tell(tenant_id, kind, f"{kind}:*")


def tell_at_once(tenant_id: UUID, *names: str) -> None:
    """Tells without a transaction: of what is not in the database, or is committed already."""
    cache.attempt(lambda client: _write(client, tenant_id, names, ()))


def tell_again(tenant_id: UUID, event_id: UUID, kind: str, subject_id: UUID) -> None:
    """Tells of a committed event unless its writer has: said by the dispatcher for each event it handles."""
    if not cache.attempt(lambda client: client.zrem(_told_key(tenant_id), event_id.hex)):
        tell_at_once(tenant_id, kind, f"{kind}:{subject_id}")


def of_person(name: str, user_id: UUID | str) -> str:
    """The name that only this person's streams hear."""
    return f"{name}@{user_id}"


def stream_key(tenant_id: UUID) -> str:
    return f"live:{tenant_id}"


@dataclass
class _Telling:
    """What one transaction will tell."""

    tenant_id: UUID
    names: dict[str, None] = field(default_factory=dict)
    events: list[UUID] = field(default_factory=list)

    def __call__(self) -> None:
        cache.attempt(lambda client: _write(client, self.tenant_id, self.names, self.events))


def _telling(tenant_id: UUID) -> _Telling:
    """This transaction's, moved behind all that waits: a page that asks again must find caches turned over."""
    key = ("live", tenant_id)
    telling = database.waiting_step(key)
    if not isinstance(telling, _Telling):
        telling = _Telling(tenant_id)
    database.after_commit(telling, key=key, last=True)
    return telling


def _write(client: redis.Redis, tenant_id: UUID, names: Iterable[str], events: Iterable[UUID]) -> None:
    key, told, at = stream_key(tenant_id), {event.hex: time.time() for event in events}, time.time()
    with client.pipeline(transaction=False) as pipe:
        pipe.xadd(key, {"names": " ".join(_gathered(names))}, maxlen=KEPT_ENTRIES, approximate=True)
        pipe.expire(key, _KEPT_SECONDS)
        if told:
            pipe.zadd(_told_key(tenant_id), told)
            pipe.zremrangebyscore(_told_key(tenant_id), 0, at - _TOLD_SECONDS)
            pipe.expire(_told_key(tenant_id), _TOLD_SECONDS)
        pipe.execute()


def _gathered(names: Iterable[str]) -> list[str]:
    """The names; very many records of one kind become all of that kind."""
    kinds: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        kinds.setdefault(name.partition(":")[0], []).append(name)
    many = {kind: [kind, f"{kind}:*"] for kind, found in kinds.items() if len(found) > _MOST_OF_A_KIND}
    return [name for kind, found in kinds.items() for name in many.get(kind, found)]


def _told_key(tenant_id: UUID) -> str:
    return f"live:told:{tenant_id}"
