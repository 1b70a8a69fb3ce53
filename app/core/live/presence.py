"""Who looks at a record or writes to it just now: kept in Redis for 45 seconds at a time, nowhere else.

A page says so every 20 seconds, a tab at a time. Whoever asks who is there has got the record first: that is the check.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis

from app.core import cache
from app.core.live.telling import tell_at_once

LOOKING, LEFT = "looking", "left"
WRITING = {"reply": "is typing a reply…", "note": "is typing a note…", "change": "is editing…"}
"""What somebody can be writing, and the words for it."""
STATES = frozenset({LOOKING, LEFT, *WRITING})
KEPT_SECONDS = 45
_MOST = 50
_TAB = re.compile(r"[0-9a-z]{4,16}")


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who looks at a record; `writing` is a key of `WRITING`, or "" """

    user_id: UUID
    writing: str = ""


def presence_name(kind: str, record_id: UUID) -> str:
    """The live name that tells that who is there has changed."""
    return f"{kind}-presence:{record_id}"


def is_tab(text: str) -> bool:
    """Whether this can be what a page calls its tab."""
    return _TAB.fullmatch(text) is not None


def note_presence(tenant_id: UUID, kind: str, record_id: UUID, user_id: UUID, tab: str, state: str) -> None:
    """One tab of one person is there, writes, or has left; others are told if that makes a difference. Redis away:
    nobody is told, and nothing is kept.
    """
    key, place, at = _key(tenant_id, kind, record_id), f"{user_id}/{tab}", time.time()

    def write(client: redis.Redis) -> bool:
        before = _read(client, key)
        stale = [one for one, (seen, _) in before.items() if at - seen > KEPT_SECONDS]
        others = {one: entry for one, entry in before.items() if one not in {*stale, place}}
        with client.pipeline(transaction=False) as pipe:
            if stale:
                pipe.hdel(key, *stale)
            if state == LEFT or len(others) >= _MOST:
                pipe.hdel(key, place)
            else:
                pipe.hset(key, place, f"{at:.3f} {'' if state == LOOKING else state}")
                pipe.expire(key, KEPT_SECONDS)
            pipe.execute()
        was = before.get(place)
        return bool(stale) or (was is None) != (state == LEFT) or (was is not None and was[1] != _writing(state))

    if cache.attempt(write):
        tell_at_once(tenant_id, presence_name(kind, record_id))


def list_present(tenant_id: UUID, kind: str, record_id: UUID, but: UUID | None) -> list[Present]:
    """Who is there beside the asker, those who write first; nobody while Redis is away."""
    found = cache.attempt(lambda client: _read(client, _key(tenant_id, kind, record_id))) or {}
    people: dict[UUID, str] = {}
    for place, (seen, writing) in sorted(found.items()):
        user_id = UUID(place.partition("/")[0])
        if time.time() - seen <= KEPT_SECONDS and user_id != but:
            people[user_id] = people.get(user_id) or writing
    return sorted((Present(*one) for one in people.items()), key=lambda one: (not one.writing, str(one.user_id)))


def _writing(state: str) -> str:
    return state if state in WRITING else ""


def _read(client: redis.Redis, key: str) -> dict[str, tuple[float, str]]:
    """When each tab was last heard of, and what is written there."""
    found: Any = client.hgetall(key)
    entries = {}
    for place, entry in found.items():
        seen, _, writing = entry.decode().partition(" ")
        entries[place.decode()] = (float(seen), writing)
    return entries


def _key(tenant_id: UUID, kind: str, record_id: UUID) -> str:
    return f"presence:{tenant_id}:{kind}:{record_id}"
