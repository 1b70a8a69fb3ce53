"""A writer that dies between its commit and telling is caught by the dispatcher, and nothing is told twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from app.core import dispatcher
from app.core.live import telling
from app.core.live.telling import stream_key
from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.world import World

Inside = Callable[..., Any]


def names_told(bell: redis.Redis, scope: Scope) -> list[bytes]:
    return [fields[b"names"] for _, fields in bell.xrange(stream_key(scope.tenant_id))]


def test_what_was_told_is_not_told_again(app_context: Any, bell: redis.Redis, acme: Scope, inside: Inside) -> None:
    lead = World(acme, inside, LEADS).add()
    assert names_told(bell, acme) == [f"lead lead:{lead}".encode()]
    assert dispatcher.dispatch(acme.tenant_id) == 1
    assert names_told(bell, acme) == [f"lead lead:{lead}".encode()]
    assert bell.zcard(telling._told_key(acme.tenant_id)) == 0


def test_what_a_dead_writer_did_not_tell_is_told(
    app_context: Any, bell: redis.Redis, acme: Scope, inside: Inside
) -> None:
    lead = World(acme, inside, LEADS).add()
    # As if the process had died right after the commit.
    bell.delete(stream_key(acme.tenant_id), telling._told_key(acme.tenant_id))
    assert dispatcher.dispatch(acme.tenant_id) == 1
    assert names_told(bell, acme) == [f"lead lead:{lead}".encode()]
