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
from email.utils import format_datetime, parseaddr
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


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail is for: a name to greet, and an address."""

    name: str
    address: str


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
    needs a server that knows SMTPUTF8 (RFC 6531).

    Raises:
        Invalid: that is no e-mail address.
    """
    given = to if isinstance(to, Recipient) else Recipient("", to)
    try:
        checked = validate_email(given.address, check_deliverability=False, test_environment=True)
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


def write(to: Recipient, rendered: Rendered, *, message_id: str, at: datetime) -> Letter:
    """The message as bytes.

    Raises:
        ValueError: it is larger than a megabyte.
    """
    policy = SMTP if to.address.isascii() else SMTPUTF8
    message = EmailMessage(policy)
    message["From"] = sender()
    # In two parts: given whole, the library takes no letters outside ASCII.
    local, _, domain = to.address.rpartition("@")
    message["To"] = Address(to.name, local, domain)
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    # Robots must not answer robots (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text, cte="quoted-printable")
    if rendered.html is not None:
        message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    raw = message.as_bytes()
    if len(raw) > _BYTES_MAX:
        raise ValueError(f"This mail has {len(raw)} bytes; a mail is text, a megabyte at most.")
    return Letter(to, rendered.subject, raw)


def sender() -> Address:
    """Who our mail is from (`MAIL_FROM`)."""
    settings: Settings = current_app.extensions["fairlead.settings"]
    name, address = parseaddr(settings.mail_from)
    return Address(name, addr_spec=address)
