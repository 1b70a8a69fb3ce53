"""What became of a mail, told to whoever had it sent, in the transaction that writes it down."""

from __future__ import annotations

from collections.abc import Callable

from app.core.scope import Scope
from app.gateways.mail.models import OutgoingMail

Watcher = Callable[[Scope, OutgoingMail], None]
_watchers: dict[str, Watcher] = {}


def watch(template: str, watcher: Watcher) -> None:
    """`watcher` is called with each mail of this template that was sent, failed, or was given up."""
    _watchers[template] = watcher


def tell(scope: Scope, mail: OutgoingMail) -> None:
    """Called by the actions when a mail has reached its end."""
    watcher = _watchers.get(mail.template)
    if watcher is not None:
        watcher(scope, mail)
