"""`/api/health`: is everything there that the application needs? `/api/health/live`: does this process answer?

Each check asks on a connection of its own with a time-out, so a full pool or a hanging server is told as
what it is. Names and milliseconds only: the address is public, and so it looks once a second at most, however
many ask.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from flask import Blueprint, Flask, Response, current_app, jsonify

from app.config import Settings
from app.core import migrating, queue
from app.core.access import public
from app.core.db import libpq_url
from app.core.openapi import Answer, documented, obj

log = logging.getLogger(__name__)
_ALIVE = obj({"status": {"const": "ok"}}, required=("status",))
_CHECK = obj({"ok": {"type": "boolean"}, "ms": {"type": "number"}}, required=("ok", "ms"))
_HEALTH = {
    "type": "object",
    "title": "Health",
    "required": ["status", "down", "checks"],
    "properties": {
        "status": {"enum": ["ok", "down"]},
        "down": {"type": "array", "items": {"type": "string"}},
        "checks": {"type": "object", "additionalProperties": _CHECK},
    },
}
_ANSWERS = {200: Answer("All is well.", _HEALTH), 503: Answer("Something is down; `down` names it.", _HEALTH)}
blueprint = Blueprint("health", __name__, url_prefix="/api/health")
_SECONDS = 2
_KEPT_SECONDS = 1.0
_lock = threading.Lock()
_NOTES = "fairlead.health_notes"


def add_note(app: Flask, note: Callable[[], str | None]) -> None:
    """`note` returns a sentence when something is not right that stops nobody from working, such as no way out."""
    app.extensions.setdefault(_NOTES, []).append(note)


@blueprint.get("")
@public("Load balancers ask without a session; it tells up or down, nothing else.")
@documented("Is everything there", tag="About the API", answers=_ANSWERS, security=None)
def show() -> Response:
    """200 when all is well, 503 naming what is down; notes are for whoever looks after the installation."""
    checks = _checks()
    down = sorted(name for name, result in checks.items() if not result["ok"])
    notes = [told for note in current_app.extensions.get(_NOTES, []) if (told := note())]
    response = jsonify(status="down" if down else "ok", down=down, checks=checks, notes=notes)
    response.status_code = 503 if down else 200
    return response


@blueprint.get("/live")
@public("A supervisor asks whether the process still answers; nothing is looked up.")
@documented("Does this process answer", tag="About the API", answers={200: _ALIVE}, security=None)
def live() -> Response:
    return jsonify(status="ok")


def _checks() -> dict[str, dict[str, Any]]:
    """What the last look found, if it is fresh; those who ask meanwhile wait for the one who looks."""
    with _lock:
        at, found = current_app.extensions.get("fairlead.health", (0.0, {}))
        if not found or time.monotonic() - at > _KEPT_SECONDS:
            found = {
                "database": _check(_database),
                "migrations": _check(_migrations),
                "cache": _check(_redis),
                "queue": _check(_queue),
            }
            current_app.extensions["fairlead.health"] = (time.monotonic(), found)
    return found


def _check(call: Callable[[Settings], bool]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        ok = call(current_app.extensions["fairlead.settings"])
    except Exception as error:
        log.warning("health_check_failed", extra={"check": call.__name__, "error": type(error).__name__})
        ok = False
    return {"ok": ok, "ms": round((time.perf_counter() - began) * 1000, 1)}


def _connect(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(
        libpq_url(settings.database_url),
        connect_timeout=_SECONDS,
        options=f"-c statement_timeout={_SECONDS}s",
        tcp_user_timeout=_SECONDS * 1000,
        autocommit=True,
    )


def _database(settings: Settings) -> bool:
    with _connect(settings) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def _migrations(settings: Settings) -> bool:
    """The schema is the one this code was written for."""
    with _connect(settings) as connection:
        row = connection.execute("select version_num from alembic_version").fetchone()
    return row is not None and row[0] == migrating.head()


def _redis(settings: Settings) -> bool:
    return bool(queue.connect(settings.redis_url, timeout=_SECONDS).ping())


def _queue(settings: Settings) -> bool:
    """Redis takes writes: it answers pings when its memory is full, or as a read-only replica."""
    client = queue.connect(settings.redis_url, timeout=_SECONDS)
    return bool(client.set("health:queue", "1", ex=10))
