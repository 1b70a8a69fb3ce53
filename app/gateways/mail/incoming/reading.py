"""`read_message`: from the bytes of a mail to what can be worked with. It never raises and drops nothing.

Whatever is wrong becomes a sentence in `problems`. Where nothing can be made of the mail it is `unreadable`,
with what its headers say, and the caller keeps the raw bytes.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import Message

from app.gateways.mail.incoming import automatic, bodies, bounces, charsets, files, headers, parts, quotes
from app.gateways.mail.incoming.message import (
    ATTACHMENTS_MAX,
    MEGABYTE,
    RAW_MAX,
    TEXT_MAX,
    Attachment,
    IncomingMail,
    MailAddress,
)

_LOG = logging.getLogger(__name__)
# Of one text, before it is decoded; TEXT_MAX letters of it are kept.
_TEXT_BYTES_MAX = 4 * MEGABYTE
_SLASHES = re.compile(r"[/\\]")


def read_message(raw: bytes, *, now: datetime | None = None) -> IncomingMail:
    """Reads one mail of at most RAW_MAX bytes; of a larger one only the headers are. Never raises.

    `now` (UTC) is what dates are judged against; by default the clock's.
    """
    at = now or datetime.now(UTC)
    if len(raw) > RAW_MAX:
        return refuse(raw[:RAW_MAX], len(raw), now=at)
    problems: list[str] = []
    try:
        return _read(raw, problems, at)
    except parts.TooMuch as limit:
        return _of_headers(raw, [*problems, str(limit)], at)
    except Exception as broken:
        # The promise is to the sender: no mail is lost because of a mistake of ours.
        _LOG.warning("A mail could not be read: %s", type(broken).__name__)
        return _of_headers(raw, [*problems, "The mail is so broken that it cannot be read."], at)


def refuse(head: bytes, size: int, *, now: datetime | None = None) -> IncomingMail:
    """What is known of a mail that is too large to be read, from the first of its bytes. `size` is in bytes."""
    sentence = f"The mail has {size / MEGABYTE:.0f} MB; at most {RAW_MAX // MEGABYTE} MB are read."
    return _of_headers(head, [sentence], now or datetime.now(UTC))


def read_stream(chunks: Iterable[bytes], *, now: datetime | None = None) -> tuple[IncomingMail, bytes]:
    """Reads a mail as it arrives and stops at RAW_MAX; gives the bytes that were taken beside it.

    The rest of a larger one is not asked for, so it costs the memory of the limit and no more.
    """
    taken = bytearray()
    for chunk in chunks:
        taken += chunk
        if len(taken) > RAW_MAX:
            raw = bytes(taken[:RAW_MAX])
            sentence = f"The mail has more than {RAW_MAX // MEGABYTE} MB; the rest was not taken."
            return _of_headers(raw, [sentence], now or datetime.now(UTC)), raw
    raw = bytes(taken)
    return read_message(raw, now=now), raw


@dataclass(slots=True)
class _Content:
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    forwarded_from: MailAddress | None = None


def _read(raw: bytes, problems: list[str], now: datetime) -> IncomingMail:
    tree = parts.parse(raw)
    message = tree.head
    if tree.cut:
        problems.append("The mail has more headers than are read; the rest of them is left out.")
    if tree.broken:
        problems.append("Parts of the mail are not built as they should be; they were read as well as possible.")
    mail = _headers_of(message, raw, problems, now)
    if not raw.strip():
        return replace(mail, unreadable=True, problems=(*problems, "The mail is empty."))
    if not any(name in message for name in ("From", "To", "Subject", "Date", "Message-ID", "Received")):
        problems.append("The mail has no headers that say who sent it, when or about what.")
    content = _content_of(tree, problems)
    plain = _bounded("\n\n".join(content.texts), problems)
    html = bodies.read_html("\n".join(content.htmls), with_text=not plain) if content.htmls else None
    if html is not None and html.problem:
        problems.append(html.problem)
    text = plain or (html.text if html else "")
    why = automatic.why(message, mail.subject, mail.from_.address if mail.from_ else "")
    forwarded = None if why == automatic.REPORT else _forwarded_from(mail, text, content)
    return replace(
        mail,
        text=text,
        html=html.clean if html else None,
        reply_text=_newest(mail, text, forwarded),
        blocked_images=html.blocked_images if html else 0,
        attachments=_shown_inline(content.attachments, html.cids if html else frozenset()),
        forwarded_from=forwarded,
        automatic=why,
        bounce=bounces.read_bounce(tree, raw, text, why, mail.subject),
        unreadable=not (text or content.attachments or mail.subject or mail.from_),
        problems=tuple(dict.fromkeys(problems)),
    )


def _headers_of(message: Message, raw: bytes, problems: list[str], now: datetime) -> IncomingMail:
    named = headers.message_id(headers.value(message, "Message-ID"))
    if named is None:
        problems.append("The mail has no usable Message-ID; one was made from its bytes.")
    subject = headers.subject_of(message)
    topic, is_reply, is_forward = headers.without_prefixes(subject)
    answered = headers.message_ids(headers.value(message, "In-Reply-To"))
    senders = headers.addresses(message, "From", problems) or headers.addresses(message, "Sender", [])
    if not senders:
        problems.append("The mail does not say in a readable way who sent it.")
    if len(senders) > 1:
        problems.append("The mail names several senders; the first is taken.")
    date = headers.date_of(message, now)
    if date is None and "Date" in message:
        problems.append("The date of the mail is wrong and was ignored.")
    references = headers.references_of(message)
    return IncomingMail(
        message_id=named or f"<{hashlib.sha256(raw).hexdigest()[:40]}@made.invalid>",
        subject=subject,
        topic=topic,
        is_reply=is_reply or (bool(answered or references) and not is_forward),
        is_forward=is_forward,
        in_reply_to=answered[0] if answered else None,
        references=references,
        from_=senders[0] if senders else None,
        reply_to=headers.addresses(message, "Reply-To", problems),
        to=headers.addresses(message, "To", problems),
        cc=headers.addresses(message, "Cc", problems),
        delivered_to=_delivered_to(message),
        date=date,
    )


def _delivered_to(message: Message) -> tuple[str, ...]:
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "Resent-To")
    found = (one.address for name in names for one in headers.addresses(message, name, []))
    return tuple(dict.fromkeys(found))[:20]


def _content_of(tree: parts.Tree, problems: list[str]) -> _Content:
    content = _Content()
    for part in tree.leaves:
        if part.role in ("text", "html"):
            _add_text(content, part, problems)
        elif part.role != "report":
            _add_file(content, part, problems)
    if tree.type == "multipart/encrypted":
        problems.append("The mail is encrypted; what it says is in its attachment.")
    return content


def _add_text(content: _Content, part: parts.Part, problems: list[str]) -> None:
    read = charsets.text_of(part.content()[:_TEXT_BYTES_MAX], parts.param(part.head, "charset"))
    if read.guessed:
        problems.append("The mail does not say how its letters are written, or says it wrongly; they were guessed.")
    if part.role == "html":
        content.htmls.append(read.text)
        return
    flowed = (parts.param(part.head, "format") or "").lower() == "flowed"
    delsp = (parts.param(part.head, "delsp") or "").lower() == "yes"
    text = bodies.unflowed(read.text, delsp=delsp) if flowed else read.text
    if text.strip():
        content.texts.append(text.strip("\n"))


def _add_file(content: _Content, part: parts.Part, problems: list[str]) -> None:
    if len(content.attachments) >= ATTACHMENTS_MAX:
        problems.append(f"The mail has more than {ATTACHMENTS_MAX} attachments; the first {ATTACHMENTS_MAX} are kept.")
        return
    number = len(content.attachments) + 1
    made = files.attachment(part, number, part.content())
    if part.role == "message":
        inner = part.inner_head()
        if content.forwarded_from is None:
            content.forwarded_from = next(iter(headers.addresses(inner, "From", [])), None)
        subject = headers.subject_of(inner)
        named = (
            files.safe_name(f"{_SLASHES.sub('_', subject[:100])}.eml", "message/rfc822", number)
            if subject
            else made.name
        )
        made = replace(made, type="message/rfc822", name=named, active=False)
    if made.type == "application/ms-tnef" or part.type in ("application/ms-tnef", "application/vnd.ms-tnef"):
        problems.append("An attachment is in Outlook's own format (winmail.dat); ask for the files in another.")
    if "pkcs7-mime" in part.type:
        problems.append("The mail is encrypted; what it says is in its attachment.")
    content.attachments.append(made)


def _shown_inline(attachments: list[Attachment], cids: frozenset[str]) -> tuple[Attachment, ...]:
    """An attachment is inline if its sender says so or the HTML shows it."""
    return tuple(replace(one, inline=True) if one.content_id in cids else one for one in attachments)


def _bounded(text: str, problems: list[str]) -> str:
    if len(text) > TEXT_MAX:
        problems.append(f"The text of the mail is longer than {TEXT_MAX:,} letters; the rest is left out.")
        return text[:TEXT_MAX]
    return text


def _forwarded_from(mail: IncomingMail, text: str, content: _Content) -> MailAddress | None:
    if content.forwarded_from is not None and (mail.is_forward or not mail.is_reply):
        return content.forwarded_from
    return quotes.forwarded_sender(text) or (quotes.sender_in_headers(text) if mail.is_forward else None)


def _newest(mail: IncomingMail, text: str, forwarded: MailAddress | None) -> str:
    """What is new in it: all of a first mail or a forwarded one, less the signature."""
    if forwarded is not None or mail.is_forward or quotes.is_forward(text):
        return text
    return quotes.reply_of(text) if mail.is_reply else quotes.without_signature(text)


def _of_headers(raw: bytes, problems: list[str], now: datetime) -> IncomingMail:
    """A mail that is unreadable: its headers, if they are readable at least."""
    made = IncomingMail(message_id=f"<{hashlib.sha256(raw).hexdigest()[:40]}@made.invalid>")
    try:
        message = parts.parse_head(raw)
        mail = _headers_of(message, raw, problems, now)
        why = automatic.why(message, mail.subject, mail.from_.address if mail.from_ else "")
        return replace(mail, automatic=why, unreadable=True, problems=tuple(dict.fromkeys(problems)))
    except Exception as broken:
        _LOG.warning("The headers of a mail could not be read: %s", type(broken).__name__)
        return replace(made, unreadable=True, problems=tuple(dict.fromkeys(problems)))
