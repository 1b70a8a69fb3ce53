"""What was delivered into the folder of mail, parsed back."""

from __future__ import annotations

import email
import email.policy
import re
import shutil
import time
from email.message import EmailMessage
from pathlib import Path

from tests.support.waiting import PATIENCE

_LINK = re.compile(r"https?://\S+")


def read(folder: Path) -> list[EmailMessage]:
    """Every mail there, oldest first."""
    files = sorted((folder / "new").glob("*"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    return [_parsed(file.read_bytes()) for file in files]


def clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def wait(folder: Path, to: str, subject: str = "", seconds: float = PATIENCE) -> EmailMessage:
    """The newest mail to `to` whose subject holds `subject`, as soon as there is one.

    Raises:
        AssertionError: none came in time; names those that did.
    """
    until = time.monotonic() + seconds
    while True:
        found = [mail for mail in read(folder) if to in mail["To"] and subject in mail["Subject"]]
        if found:
            return found[-1]
        if time.monotonic() > until:
            came = [f"{mail['To']}: {mail['Subject']}" for mail in read(folder)]
            raise AssertionError(f"no mail to {to} about {subject!r} within {seconds:.0f} s; there are {came}")
        time.sleep(0.05)  # between two looks at a folder another process writes


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None, "every mail has a text"
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None, "this mail has no HTML part"
    return str(part.get_content())


def links_in(mail: EmailMessage) -> list[str]:
    """The addresses in the text, in order."""
    return _LINK.findall(text_of(mail))


def _parsed(raw: bytes) -> EmailMessage:
    # As text: headers to an address outside ASCII are UTF-8 (RFC 6532), everything else is ASCII.
    made = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made
