"""From a template to the bytes of a message.

The standard library's `email.message` writes the headers: it encodes what is not ASCII and refuses a line
break wherever one would begin a header of its own (RFC 5322). What people typed is made one line before that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr, unquote
from functools import lru_cache, partial
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from jinja2 import Environment, Template, TemplateNotFound

from app.config import Settings
from app.core import templating
from app.core.errors import Invalid
from app.core.links import absolute_url
from app.core.scope import Scope

_NAME_MAX = 120
_SUBJECT_MAX = 200
_BYTES_MAX = 1024 * 1024
_TEMPLATE = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_REFERENCES_MAX = 20


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail is for: a name to greet, and an address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A stored file that goes along: it is read when the mail leaves, so that a mail that waits stays small."""

    key: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What a mail says of itself beside its text.

    `sender` is who it is from (by default MAIL_FROM), `bounces_to` where reports about it go. `copies` each get
    the same mail and stand in its Cc. `automatic` is what RFC 3834 calls it; empty for what a person wrote.
    """

    sender: Recipient | None = None
    reply_to: str = ""
    bounces_to: str = ""
    copies: tuple[Recipient, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: str = "auto-generated"
    enclosures: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template made of its context."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready for the wire, and what is kept beside it."""

    to: Recipient
    subject: str
    raw: bytes


def recipient(to: Recipient | str) -> Recipient:
    """Whom to write to, with the name on one line and the address in the form mail servers take.

    A domain in another script is written in ASCII (IDNA); a local part in another script stays as it is and
    needs a server that knows SMTPUTF8 (RFC 6531). Whoever wrote to us can be answered: local parts in quotes, and
    those longer than 64 letters, are taken.

    Raises:
        Invalid: that is no e-mail address.
    """
    given = to if isinstance(to, Recipient) else Recipient("", to)
    try:
        checked = validate_email(
            given.address, check_deliverability=False, test_environment=True, allow_quoted_local=True, strict=False
        )
    except EmailNotValidError as wrong:
        raise Invalid({"email": f"That is not an e-mail address: {wrong}"}) from wrong
    return Recipient(one_line(given.name, _NAME_MAX), f"{checked.local_part}@{checked.ascii_domain}")


def one_line(text: str, most: int) -> str:
    """Without control characters, line breaks and marks that turn the reading direction; cut at `most`."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _TURNING else c for c in text)
    cleaned = " ".join("".join(kept).encode("utf-8", "ignore").decode().split())
    return cleaned if len(cleaned) <= most else cleaned[: most - 1] + "…"


_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def render(scope: Scope, template: str, context: Mapping[str, Any]) -> Rendered:
    """The template's text and HTML, times and numbers as the scope's locale and zone have them.

    Templates get the context, `scope`, and `link(endpoint, **values)` for whole addresses of this tenant.

    Raises:
        ValueError: there is no such template, or its text does not begin with a subject and an empty line.
    """
    if not _TEMPLATE.fullmatch(template):
        raise ValueError(f"A mail template is named feature/name, not {template!r}.")
    shown = {**context, "scope": scope, "link": partial(absolute_url, scope)}
    env = current_app.jinja_env
    try:
        subject, text = _subject_and_text(env, _source(env, f"email/{template}.txt"))
    except TemplateNotFound as missing:
        raise ValueError(f"There is no template {missing.name}.") from missing
    with templating.read_by(scope):
        html = _source(env, f"email/{template}.html", "") and env.get_template(f"email/{template}.html").render(shown)
        subject_line = one_line(subject.render(shown), _SUBJECT_MAX)
        return Rendered(subject_line, text.render(shown).strip() + "\n", html or None)


def _source(env: Environment, name: str, default: str | None = None) -> str:
    try:
        return env.loader.get_source(env, name)[0] if env.loader else ""
    except TemplateNotFound:
        if default is None:
            raise
        return default


@lru_cache(maxsize=256)
def _subject_and_text(env: Environment, source: str) -> tuple[Template, Template]:
    """Two templates of one file, cut before anything is filled in: a line break in a name stays in the subject.

    Raises:
        ValueError: the file does not begin with a subject and an empty line.
    """
    subject, gap, text = source.partition("\n\n")
    if not gap or "\n" in subject or not text.strip():
        raise ValueError("The text of a mail begins with its subject on one line, then an empty line.")
    plain = env.overlay(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    return plain.from_string(subject), plain.from_string(text)


def write(to: Recipient, rendered: Rendered, *, message_id: str, at: datetime, head: Letterhead) -> Letter:
    """The message as bytes, without its enclosures.

    Raises:
        ValueError: it is larger than a megabyte.
    """
    everybody = (to, *head.copies, *((head.sender,) if head.sender else ()))
    message = EmailMessage(SMTP if all(one.address.isascii() for one in everybody) else SMTPUTF8)
    message["From"] = _address(head.sender) if head.sender else sender()
    message["To"] = _address(to)
    if head.copies:
        message["Cc"] = [_address(one) for one in head.copies]
    if head.reply_to:
        message["Reply-To"] = Address(addr_spec=head.reply_to)
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(at)
    if head.automatic:
        # Robots must not answer robots (RFC 3834).
        message["Auto-Submitted"] = head.automatic
    message.set_content(rendered.text, cte=_encoding(rendered.text))
    if rendered.html is not None:
        message.add_alternative(rendered.html, subtype="html", cte=_encoding(rendered.html))
    raw = _ids(message_id, head) + message.as_bytes()
    if len(raw) > _BYTES_MAX:
        raise ValueError(f"This mail has {len(raw)} bytes; a mail is text, a megabyte at most.")
    return Letter(to, rendered.subject, raw)


def _encoding(text: str) -> str:
    """Text that can be read on the wire as well; where most letters are not ASCII that would be twice as long."""
    size = len(text.encode())
    return "quoted-printable" if 2 * (size - sum(map(str.isascii, text))) < size else "base64"


def _ids(message_id: str, head: Letterhead) -> bytes:
    """The lines that make a thread. Written here: the library encodes a long one as if it were words, and nobody
    finds it again then.
    """
    lines = [f"Message-ID: {message_id}"]
    if _MESSAGE_ID.fullmatch(head.in_reply_to):
        lines.append(f"In-Reply-To: {head.in_reply_to}")
    named = [one for one in dict.fromkeys((*head.references, head.in_reply_to)) if _MESSAGE_ID.fullmatch(one)]
    if named:
        # The first names the thread, the last ones where in it (RFC 5322, 3.6.4, lets the middle go).
        kept = named if len(named) <= _REFERENCES_MAX else [named[0], *named[1 - _REFERENCES_MAX :]]
        lines.append("References: " + "\r\n ".join(kept))
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _address(of: Recipient) -> Address:
    # In two parts: given whole, the library takes no letters outside ASCII.
    local, _, domain = of.address.rpartition("@")
    return Address(of.name, unquote(local), domain)


def sender() -> Address:
    """Who our mail is from (`MAIL_FROM`)."""
    settings: Settings = current_app.extensions["fairlead.settings"]
    name, address = parseaddr(settings.mail_from)
    return Address(name, addr_spec=address)
