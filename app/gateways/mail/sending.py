"""Sending what waits: take one, hand it over, write down what came of it, each in its own transaction.

Between the server's "taken" and our commit lies the one moment in which a kill repeats a mail, with the same
Message-ID (claim 6). Everything else is undone or leased: a mail is never lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flask import Flask, current_app

from app.config import Settings
from app.core import clock, health
from app.core import db as database
from app.core.scope import Scope
from app.core.storage import FilesAway
from app.gateways.mail import actions, composing, enclosing, transports
from app.gateways.mail.actions import Taken
from app.gateways.mail.transports import Refused, Transport, TryAgain

log = logging.getLogger(__name__)
# One tenant's share of a worker; then the others have their turn.
SLICE_SECONDS = 60.0


def init_app(app: Flask, settings: Settings) -> None:
    """Checks what the settings say.

    Raises:
        ConfigurationError: SMTP_URL cannot be used.
    """
    transports.made(settings.mail_url, "localhost")
    health.add_note(app, lambda: None if is_set_up() else "Mail is not set up (SMTP_URL): it waits.")


def is_set_up() -> bool:
    """Whether there is somewhere to hand mail over to; it waits if not."""
    return bool(_settings().mail_url)


def transport() -> Transport | None:
    return transports.made(_settings().mail_url, composing.sender().domain)


def send_due(scope: Scope, *, only: str = "", at: Callable[[], datetime] = clock.now) -> int:
    """Sends what is due in the scope's tenant; returns how many were taken by the mail server.

    `only` is what the names of templates must begin with; mail of others waits.
    Commits after each step. Rings again if there is more than one turn's worth.
    """
    way_out = transport()
    if way_out is None:
        log.warning("mail_is_not_set_up", extra={"tenant_id": str(scope.tenant_id)})
        return 0
    sent, until = 0, time.monotonic() + SLICE_SECONDS
    with way_out:
        while (mail := _take(scope, at, only)) is not None:
            outcome = _send(replace(scope, now=at()), way_out, mail, at)
            if outcome is None:
                return sent
            sent += outcome
            if time.monotonic() > until:
                actions.ring(scope.tenant_id)
                database.commit()
                return sent
    return sent


def _take(scope: Scope, at: Callable[[], datetime], only: str) -> Taken | None:
    mail = actions.take(replace(scope, now=at()), only)
    database.commit()
    return mail


def _send(scope: Scope, way_out: Transport, mail: Taken, at: Callable[[], datetime]) -> int | None:
    """1 if it was taken, 0 if not, None if no other would be either."""
    facts = {"mail_id": str(mail.id), "tenant_id": str(scope.tenant_id), "attempt": mail.attempt}
    everything = False
    try:
        way_out.send(mail.sender or composing.sender().addr_spec, mail.to_address, _whole(mail))
    except Refused as refused:
        log.warning("mail_failed", extra=facts | {"code": str(refused)[:3]})
        actions.fail(replace(scope, now=at()), mail.id, str(refused))
        taken = 0
    except TryAgain as trouble:
        everything, taken = trouble.everything, 0
        again = actions.postpone(replace(scope, now=at()), mail.id, str(trouble))
        log.warning("mail_postponed" if again else "mail_given_up", extra=facts | {"code": str(trouble)[:3]})
    else:
        actions.record_sent(replace(scope, now=at()), mail.id)
        log.info("mail_sent", extra=facts)
        taken = 1
    database.commit()
    return None if everything else taken


def _whole(mail: Taken) -> bytes:
    """Raises TryAgain: the store of files does not answer."""
    try:
        return enclosing.enclose(mail.raw, mail.enclosures)
    except (OSError, FilesAway) as broken:
        raise TryAgain("The attachments could not be read: the store of files is not answering.") from broken


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
