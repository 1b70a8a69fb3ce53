"""Mail that comes in: how it is told apart, how often it is tried, and how much of one sender is taken at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

from app.tickets.rules.settings import DeskSettings

LEASE = timedelta(seconds=45)
"""Longer than one mail takes: nobody else looks at it meanwhile (the largest take some seconds, docs/mail.md)."""
AS_IT_IS = 3
"""After so many attempts a mail is not read any more: it becomes a ticket with its bytes attached."""
GIVE_UP = 6
"""After so many attempts it waits for somebody to look at it."""
PARTICIPANTS_MAX = 20
"""People who get copies of replies. A mail may name hundreds, and would make us write to all of them."""
HOUR = timedelta(hours=1)
_POLL = timedelta(seconds=60)
_LONGEST = timedelta(minutes=30)
TELL_AFTER = timedelta(hours=1)
_HEAD_MAX = 256 * 1024


def wait_after(attempts: int) -> timedelta:
    """Half a minute after the first attempt, doubling up to an hour."""
    return min(timedelta(seconds=30 * 2 ** min(attempts - 1, 10)), HOUR)


def poll_after(failures: int) -> timedelta:
    """A minute; twice as long with each poll that failed, up to half an hour."""
    return min(_POLL * 2 ** min(failures, 10), _LONGEST)


def is_flood(settings: DeskSettings, tickets: int, messages: int) -> bool:
    """Whether one address wrote more within an hour than a person does."""
    return tickets >= settings.mail_per_hour or messages >= 3 * settings.mail_per_hour


def participants(addresses: Iterable[str], own: Iterable[str]) -> list[str]:
    """Who is kept beside the requester: each once, without our own addresses, `PARTICIPANTS_MAX` at most."""
    ours = {address.lower() for address in own}
    kept: dict[str, str] = {}
    for address in addresses:
        if address and address.lower() not in ours:
            kept.setdefault(address.lower(), address)
    return list(kept.values())[:PARTICIPANTS_MAX]


class Fingerprint:
    """Takes a mail's bytes as they pass and says what mail it is: its Message-ID and what it says.

    Servers add lines at the top of a mail on its way and end lines differently, so the same mail by IMAP and by HTTP
    has different bytes. What stands below the headers stays the same.
    """

    def __init__(self) -> None:
        self.head = b""
        self._in_body = False
        self._held = b""
        self._ends = 0
        self._body = hashlib.sha256()

    def feed(self, block: bytes) -> None:
        block = self._held + block
        self._held = b"\r" if block.endswith(b"\r") else b""
        block = block[: len(block) - len(self._held)].replace(b"\r\n", b"\n")
        if not self._in_body:
            block = self._in_head(block)
        kept = block.rstrip(b"\n")
        if kept:
            self._body.update(b"\n" * self._ends)
            self._body.update(kept)
            self._ends = 0
        self._ends += len(block) - len(kept)

    def of(self, message_id: str | None) -> str:
        """In hex. Without a Message-ID the headers count as well: two short mails are often alike."""
        named = message_id.encode("utf-8", "replace") if message_id else self.head
        return hashlib.sha256(named + b"\0" + self._body.digest()).hexdigest()

    def _in_head(self, block: bytes) -> bytes:
        self.head += block
        head, gap, body = self.head.partition(b"\n\n")
        if not gap and len(self.head) <= _HEAD_MAX:
            return b""
        self._in_body = True
        if gap:
            self.head = head
            return body
        body = self.head[_HEAD_MAX:]
        self.head = self.head[:_HEAD_MAX]
        return body
