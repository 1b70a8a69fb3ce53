"""Stored files put into a mail as it leaves."""

from __future__ import annotations

import email
import logging
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

from app.core.storage import FileGone, files
from app.gateways.mail.composing import Enclosure, one_line

log = logging.getLogger(__name__)
_TYPE = re.compile(r"([a-z]{1,20})/([a-z0-9.+-]{1,100})")
# Parts that a mail program would read as mail of its own.
_NOT_AS_SUCH = ("message", "multipart")
# What stands in the mail already is passed on as it is.
_POLICY = SMTP.clone(refold_source="none")


def enclose(raw: bytes, enclosures: Sequence[Enclosure]) -> bytes:
    """The message with the files as attachments. One that is gone is named in a line of text instead."""
    if not enclosures:
        return raw
    message = email.message_from_bytes(raw, EmailMessage, policy=_POLICY)
    assert isinstance(message, EmailMessage)
    for one in enclosures:
        name = one_line(one.name, 200) or "file"
        try:
            with files().open(one.key) as file:
                content = file.read()
        except FileGone:
            log.warning("enclosure_gone", extra={"key": one.key})
            message.add_attachment(f"The file {name} was removed before this mail left.\n", filename=f"{name}.txt")
            continue
        main, sub = _type(one.type)
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def _type(written: str) -> tuple[str, str]:
    found = _TYPE.fullmatch(written)
    return ("application", "octet-stream") if not found or found[1] in _NOT_AS_SUCH else (found[1], found[2])
