"""Reading the folder that mail is delivered into on a workstation."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from markupsafe import Markup, escape

NEWEST = 50
_ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One mail of the folder. `key` names it there; `text` has its links made clickable."""

    key: str
    to: str
    sender: str
    subject: str
    at: datetime | None
    text: Markup
    html: str | None


def newest(folder: Path) -> list[Delivered]:
    """The newest mails, newest first; one that is being removed meanwhile is left out."""
    return [made for path in _newest_files(folder) if (made := _read(path)) is not None]


def find(folder: Path, key: str) -> Delivered | None:
    """One of the newest by its key. The key is compared with what is there, never made a path."""
    return next((made for path in _newest_files(folder) if path.name == key and (made := _read(path))), None)


def _newest_files(folder: Path) -> list[Path]:
    found = []
    for path in (folder / "new").glob("*"):
        try:
            found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    return [path for _, path in sorted(found, reverse=True)[:NEWEST]]


def _read(path: Path) -> Delivered | None:
    try:
        parsed = email.message_from_string(path.read_text("utf-8", "replace"), policy=email.policy.default)
    except FileNotFoundError:
        return None
    assert isinstance(parsed, EmailMessage)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return Delivered(
        key=path.name,
        to=str(parsed["To"]),
        sender=str(parsed["From"]),
        subject=str(parsed["Subject"]),
        at=parsed["Date"].datetime if parsed["Date"] else None,
        text=linked(str(text.get_content()) if text else ""),
        html=str(html.get_content()) if html else None,
    )


def linked(text: str) -> Markup:
    """The text with its addresses as links, everything else as text."""
    parts, at = [], 0
    for found in _ADDRESS.finditer(text):
        parts += [escape(text[at : found.start()]), Markup('<a href="{0}">{0}</a>').format(found[0])]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])
