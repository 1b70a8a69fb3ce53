"""What reading a mail gives, and the limits of it. Plain data: nothing here fetches, stores or decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

MEGABYTE = 1024 * 1024
# Mail servers commonly take 25 to 50 MB; reading needs up to six times the size in memory (measured by the tests).
RAW_MAX = 40 * MEGABYTE
HEADERS_MAX = 256 * 1024
PARTS_MAX = 10_000
DEPTH_MAX = 50
ATTACHMENTS_MAX = 500
RECIPIENTS_MAX = 500
TEXT_MAX = 500_000
HTML_MAX = 600_000
REFERENCES_MAX = 100


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Who wrote or got a mail: a name of one line, and an address that passed `email-validator` (never empty)."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is kept as a file.

    `name` is safe to show and to offer for saving, never to open as a path. `type` is what the content is
    (sniffed), `declared_type` what the sender said. `active`: a browser might run it, so it is only ever served
    as a download. `content_id` is what ``cid:`` in the HTML refers to.
    """

    name: str
    type: str
    declared_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None
    inline: bool = False
    active: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One address a mail did not reach. `status` as in RFC 3463 ("5.1.1"), if the report says."""

    address: str
    status: str | None
    diagnostic: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report about a mail of ours: who did not get it, and which mail it was (its Message-ID, if told)."""

    recipients: tuple[FailedRecipient, ...]
    original_message_id: str | None

    @property
    def permanent(self) -> bool:
        """Whether at least one recipient will never get it; otherwise it is only late."""
        return any(recipient.permanent for recipient in self.recipients)


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """One mail, read. Every text is without NUL and lone surrogates, so that a database takes it.

    `unreadable`: nothing but what the headers say could be made of it; make a ticket with the raw mail attached.
    `problems` are sentences about what was broken or left out. `automatic` says why nobody should be answered
    or no ticket made, None for mail from a person. `delivered_to` are the addresses mail servers noted on the way.
    """

    message_id: str
    subject: str = ""
    topic: str = ""
    is_reply: bool = False
    is_forward: bool = False
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    from_: MailAddress | None = None
    reply_to: tuple[MailAddress, ...] = ()
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    delivered_to: tuple[str, ...] = ()
    date: datetime | None = None
    text: str = ""
    html: str | None = None
    reply_text: str = ""
    blocked_images: int = 0
    attachments: tuple[Attachment, ...] = ()
    forwarded_from: MailAddress | None = None
    automatic: str | None = None
    bounce: Bounce | None = None
    unreadable: bool = False
    problems: tuple[str, ...] = ()
