"""Which ticket a mail belongs to: reply addresses nobody can guess, and the order of evidence.

A reply address carries the ticket's number and a code made from a secret, the tenant and the number:
``support+4711.k5xq…@example.com``. Codes are letters and digits of one case, as some mail programs change it.
The subject alone is never evidence: anyone can write "[#4711]".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core import secrets
from app.gateways.mail.incoming.message import IncomingMail

PURPOSE = "reply addresses"
_CODE_BYTES = 12
_CODE = re.compile(r"(?:.*\+)?(\d{1,15})\.([a-z2-7]{20})")
_LOCAL_MAX = 64
_CANDIDATES_MAX = 100


@dataclass(frozen=True, slots=True)
class ByAddress:
    """The mail was sent to the reply address of this ticket, whose code is right."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ByMessageId:
    """The mail answers this Message-ID. It is evidence only if the mail of that name is in the caller's ticket."""

    message_id: str


Evidence = ByAddress | ByMessageId


def current_secret() -> bytes:
    """What new reply addresses are made with."""
    return secrets.derive(PURPOSE)


def known_secrets() -> tuple[bytes, ...]:
    """What addresses may have been made with: one per key of the ring, the current first."""
    return tuple(secrets.derive_for(kid, PURPOSE) for kid in secrets.key_ids())


def reply_address(secret: bytes, tenant: UUID, ticket: int, mailbox: str) -> str:
    """The address whose answers belong to a ticket.

    `mailbox` is the address mail is fetched from ("support@example.com" gives "support+…@example.com"), or a whole
    domain of which all mail is taken ("@replies.example.com").

    Raises:
        ValueError: the mailbox's name is so long that mail servers would refuse the address (64 letters, RFC 5321),
            or the number is not positive.
    """
    if ticket < 1:
        raise ValueError("Tickets are numbered from 1.")
    local, _, domain = mailbox.rpartition("@")
    made = f"{local}+{ticket}.{_code(secret, tenant, ticket)}" if local else f"{ticket}.{_code(secret, tenant, ticket)}"
    if len(made) > _LOCAL_MAX:
        raise ValueError(f"{mailbox} is too long for reply addresses: {_LOCAL_MAX} letters stand before the @ at most.")
    return f"{made}@{domain}"


def ticket_of(known: Sequence[bytes], tenant: UUID, address: str) -> int | None:
    """The ticket a reply address of this tenant belongs to; None if it is none, or forged. In constant time."""
    match = _CODE.fullmatch(address.rpartition("@")[0].lower())
    if match is None:
        return None
    ticket = int(match.group(1))
    right = [hmac.compare_digest(_code(secret, tenant, ticket), match.group(2)) for secret in known]
    return ticket if any(right) and str(ticket) == match.group(1) else None


def evidence(mail: IncomingMail, known: Sequence[bytes], tenant: UUID) -> Iterator[Evidence]:
    """What says where a mail belongs, the best first; the caller takes the first that leads to a ticket of its own.

    Reply addresses; the mail a bounce is about; In-Reply-To; References from the newest to the oldest.
    """
    tickets = (ticket_of(known, tenant, address) for address in _addressed(mail))
    for ticket in dict.fromkeys(tickets):
        if ticket is not None:
            yield ByAddress(ticket)
    about = [mail.bounce.original_message_id] if mail.bounce else []
    named = dict.fromkeys((*about, mail.in_reply_to, *reversed(mail.references)))
    for message_id in list(named)[:_CANDIDATES_MAX]:
        if message_id and message_id != mail.message_id:
            yield ByMessageId(message_id)


def _addressed(mail: IncomingMail) -> Iterable[str]:
    yield from mail.delivered_to
    yield from (one.address for one in (*mail.to, *mail.cc))


def _code(secret: bytes, tenant: UUID, ticket: int) -> str:
    made = hmac.new(secret, f"{tenant}|{ticket}".encode(), hashlib.sha256).digest()[:_CODE_BYTES]
    return base64.b32encode(made).decode().rstrip("=").lower()
