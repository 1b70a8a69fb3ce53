"""What the pages about incoming mail show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Response, send_file

from app.core.errors import NotFound
from app.core.records.fields import Named
from app.core.storage import files
from app.tickets.models import TicketFile
from app.tickets.models.mail import ReceivedMail

STATES = (
    ("received", "Waiting"),
    ("ticketed", "New ticket"),
    ("threaded", "Added to a ticket"),
    ("ignored", "Ignored"),
    ("bounce", "Report"),
    ("held", "Held"),
    ("duplicate", "Came before"),
    ("failed", "Failed"),
)
TONES = {"received": "info", "ticketed": "success", "threaded": "success", "held": "warning", "failed": "danger",
         "bounce": "warning"}  # fmt: skip
_ORIGINAL_GONE = "The original of this mail is not kept any more."
_SANDBOX = "sandbox; default-src 'none'"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What of the log is asked for; what makes no sense is left out."""

    state: str = ""
    mailbox_id: UUID | None = None
    before: UUID | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> LogFilter:
        state = args.get("state", "")
        return cls(
            state if state in dict(STATES) else "", _uuid(args.get("mailbox", "")), _uuid(args.get("before", ""))
        )

    def keeping(self, **more: str) -> dict[str, str]:
        """As query of a link."""
        told = {"state": self.state, "mailbox": str(self.mailbox_id or "")}
        return {name: value for name, value in (told | more).items() if value}


def choices(options: Sequence[Named], chosen: str | None) -> list[tuple[str, str]]:
    """Those that can be chosen, and the one that is."""
    return [("", "None"), *((str(one.id), one.name) for one in options if one.active or str(one.id) == chosen)]


def as_download(mail: ReceivedMail) -> Response:
    """The mail's bytes as a file to be saved, which no browser shows. Raises NotFound: they are not kept any more."""
    if mail.raw_key is None:
        raise NotFound(_ORIGINAL_GONE)
    name = f"mail-{mail.id}.eml"
    response = send_file(files().open(mail.raw_key), mimetype="message/rfc822", as_attachment=True, download_name=name)
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


def as_sent(row: TicketFile) -> Response:
    """A file for a customer, as a download that runs nowhere."""
    kind = "application/octet-stream" if row.active else row.type
    response = send_file(files().open(row.key), mimetype=kind, as_attachment=True, download_name=row.name, etag=False)
    response.content_length = row.size
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
