"""`GET /live`: what a signed-in page listens to, as server-sent events.

The answer is begun like any other and lasts while the page is open; meanwhile it holds no connection to the database,
and who listens is looked at again and again. Events: ``ready`` (from now on), ``changed`` (names, and within how many
milliseconds to ask), ``missed`` (ask for everything), ``beat`` (still there), ``end`` (come again: the session ended,
or its rights are others now). ``ready`` and ``beat`` say within how many milliseconds to come back should the stream
break, which is when everybody's does.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from flask import Blueprint, Flask, Response, current_app, request

from app.config import Settings
from app.core import db as database
from app.core import templating
from app.core.access import signed_in, unattended
from app.core.errors import TryLater
from app.core.live.hub import Away, Heard, Hub, Subscription
from app.core.live.topics import heard, signed
from app.core.pipeline import Watch, current_scope, watch
from app.core.scope import tenant_context

log = logging.getLogger(__name__)
blueprint = Blueprint("live", __name__)

_POSITION = re.compile(r"[0-9a-f]{8}\.\d{1,15}-\d{1,10}")
_LOST = "00000000.0-0"
_LONGEST_AGE_MS = 15 * 60 * 1000
_RETRY_SECONDS = 10


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["fairlead.settings"]
    app.extensions["fairlead.live"] = Hub(settings.redis_url)
    app.jinja_env.globals["live"] = live


def live(*names: str) -> str:
    """For `data-live` in templates: the names this part of the page is made of, signed for its reader.

    ``live("ticket")`` is any ticket, ``live("ticket:" ~ id)`` this one, ``live("@notices")`` the reader's own.
    """
    scope = templating.reader()
    return signed(current_app.config["SECRET_KEY"], scope, names) if scope and scope.user_id else ""


@blueprint.get("/live")
@signed_in
@unattended
def stream() -> Response:
    """The names to listen to are in `on`, once for each part of the page; where to go on is in `Last-Event-ID` or
    `since`, else `age` says how many milliseconds ago the page was asked for.

    Raises:
        TryLater: Redis is away, or too many are connected to this process.
    """
    scope, hub = current_scope(), _hub()
    settings: Settings = current_app.extensions["fairlead.settings"]
    if hub.open_streams >= settings.live_streams:
        raise TryLater("Very many people are here. This page is brought up to date a little later.", _RETRY_SECONDS)
    names, sound = heard(current_app.config["SECRET_KEY"], scope, request.args.getlist("on"))
    guard = watch()
    gone = request.environ.get("fairlead.gone", lambda: False)
    one = Subscription(scope.tenant_id, guard.session, names, guard.names, gone)
    since, age = _where_from()
    try:
        hub.join(one, since, age)
    except Away:
        raise TryLater("This page cannot be told of changes just now.", _RETRY_SECONDS) from None
    one.missed = one.missed or not sound
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    response = Response(_told(hub, one, _guarded(app, one, guard)), mimetype="text/event-stream")
    # However the answer ends, also before anything of it was sent.
    response.call_on_close(lambda: hub.leave(one))
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _told(hub: Hub, one: Subscription, holds: Callable[[], bool | None]) -> Iterator[bytes]:
    """The events, as long as everything holds. Runs outside the request."""
    yield _event("ready", hub.position_of(one), _spread(hub.spread_of(one)))
    while not one.over:
        one.wait()
        if one.must_look:
            one.looked()
            held = holds()
            if held is None:
                return
            if not held:
                yield _event("end", hub.position_of(one))
                return
        found = hub.take(one)
        if found is not None:
            one.told()
            yield _changed(found)
        elif one.must_beat:
            one.told()
            yield _event("beat", hub.position_of(one), _spread(hub.spread_of(one)))


@lru_cache(maxsize=256)
def _changed(found: Heard) -> bytes:
    """The same bytes for everybody at one list."""
    if found.missed:
        return _event("missed", found.position, json.dumps({"names": (), "spread": found.spread_ms}))
    return _event("changed", found.position, json.dumps({"names": found.names, "spread": found.spread_ms}))


def _event(name: str, position: str, data: str = "{}") -> bytes:
    return f"id: {position}\nevent: {name}\ndata: {data}\n\n".encode()


def _spread(milliseconds: int) -> str:
    return f'{{"spread": {milliseconds}}}'


def _guarded(app: Flask, one: Subscription, guard: Watch) -> Callable[[], bool | None]:
    """Whether the listener is still who they were; None if that cannot be said, because the database is away. Then the
    stream ends without a word, so that pages come back by and by and do not all ask at once.
    """

    def holds() -> bool | None:
        with app.app_context(), tenant_context(one.tenant_id):
            try:
                return guard.holds()
            except Exception as error:
                # In one line: a thousand streams may say this within seconds.
                log.warning("live_look_failed", extra={"error": type(error).__name__})
            finally:
                database.rollback()
        return None

    return holds


def _where_from() -> tuple[str, int]:
    """The position to go on from, "" for none; and the age of a page that has none."""
    since = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    age = request.args.get("age", type=int) or 0
    return since if not since or _POSITION.fullmatch(since) else _LOST, max(0, min(age, _LONGEST_AGE_MS))


def _hub() -> Hub:
    hub: Hub = current_app.extensions["fairlead.live"]
    hub.stopping = request.environ.get("fairlead.stopping", hub.stopping)
    return hub
