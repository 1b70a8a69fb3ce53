"""Header fields of mail as it really comes: undeclared charsets, folded lies, addresses that are none.

The message is parsed under the standard library's `compat32` policy, which hands over headers as they stood;
its newer policy reads every field by a grammar and raises on some of the mail that people get.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from email_validator import EmailNotValidError, validate_email

from app.gateways.mail.composing import one_line
from app.gateways.mail.incoming import charsets
from app.gateways.mail.incoming.message import RECIPIENTS_MAX, REFERENCES_MAX, MailAddress

SUBJECT_MAX = 300
_NAME_MAX = 120
_VALUE_MAX = 64 * 1024
_ID_MAX = 250
_ADDRESS_MAX = 254
_WORD = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([bqBQ])\?([^?\s]{0,4000})\?=")
_ID = re.compile(r"<\s*([^<>\s@]{1,200}@[^<>\s@]{1,200})\s*>")
_BARE_ID = re.compile(r"[^<>\s@\"(),;]{1,200}@[^<>\s@\"(),;]{1,200}")
_NOT_IN_IDS = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
# "Re", its translations, and with counters: "Re[2]:", "AW:", "SV:", "Antw:", "RIF:", "Odp:", "Ynt:", "回复:" …
_REPLY = r"re|aw|antw|antwort|sv|vs|rif|odp|ynt|res|réf|ref|atb|απ|回复|回覆|答复|回信|返信"
_FORWARD = r"fw|fwd|wg|wtr|tr|rv|enc|doorst|vb|vl|i|pd|ilt|trs|转发|轉寄|転送"
_PREFIX = re.compile(
    rf"\s*(?:(?P<reply>{_REPLY})|(?P<forward>{_FORWARD}))\s*(?:[\[(]\d{{1,3}}[\])])?\s*[:：]", re.IGNORECASE
)
_PREFIXES_MAX = 20
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=2)


def value(message: Message, name: str) -> str:
    """A field as text on one line, not decoded; empty if it is missing. Bytes outside ASCII are rescued."""
    return next(iter(values(message, name)), "")


def values(message: Message, name: str) -> list[str]:
    """Every field of that name."""
    # Not by get(): for bytes outside ASCII that gives replacement characters.
    wanted = name.lower()
    return [unfolded(str(raw)) for field, raw in message.raw_items() if field.lower() == wanted]


def unfolded(raw: str) -> str:
    return charsets.rescued(raw[:_VALUE_MAX]).replace("\r", " ").replace("\n", " ").replace("\x00", "").strip()


def decoded(text: str) -> str:
    """With the encoded words of RFC 2047 read; those that cannot be are left as they are.

    Words that follow each other in one charset are read as one: many programs cut them inside a letter.
    """
    out: list[str] = []
    run: list[bytes] = []
    charset, end = "", 0
    for match in _WORD.finditer(text):
        data, gap = _word(match), text[end : match.start()]
        if data is None:
            continue
        if not (run and not gap.strip() and match[1].lower() == charset):
            out.append(charsets.text_of(b"".join(run), charset).text)
            # White space between two encoded words is no part of the text.
            out.append("" if run and not gap.strip() else gap)
            run, charset = [], match[1].lower()
        run.append(data)
        end = match.end()
    return "".join((*out, charsets.text_of(b"".join(run), charset).text, text[end:]))


def _word(match: re.Match[str]) -> bytes | None:
    _, how, payload = match.groups()
    try:
        if how in "qQ":
            return quopri.decodestring(payload.encode("utf-8", "replace"), header=True)
        bare = payload.rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4)) or None
    except (ValueError, binascii.Error):
        return None


def subject_of(message: Message) -> str:
    """The subject as people read it: one line, bounded."""
    return one_line(decoded(value(message, "Subject")), SUBJECT_MAX)


def without_prefixes(subject: str) -> tuple[str, bool, bool]:
    """``("Printer", True, False)`` of "AW: Re: Printer": what it is about, is it a reply, is it a forward.

    The outermost mark tells which: "Fwd: Re: x" is a forward.
    """
    kinds: list[str] = []
    for _ in range(_PREFIXES_MAX):
        match = _PREFIX.match(subject)
        if match is None:
            break
        kinds.append("reply" if match["reply"] else "forward")
        subject = subject[match.end() :]
    outermost = kinds[0] if kinds else ""
    return subject.strip(), outermost == "reply", outermost == "forward"


def message_id(text: str) -> str | None:
    """``id@host`` in angle brackets, as RFC 5322 writes it; None if there is none. The case is kept."""
    return next(iter(message_ids(text, bare=True)), None)


def message_ids(text: str, *, bare: bool = False) -> list[str]:
    """Every Message-ID in a field, in order, each once. `bare`: also one without its brackets."""
    found = [match.group(1) for match in _ID.finditer(text)]
    if not found and bare:
        found = _BARE_ID.findall(text)[:1]
    kept = dict.fromkeys(f"<{one}>" for one in found if len(one) <= _ID_MAX and not _NOT_IN_IDS.search(one))
    return list(kept)


def references_of(message: Message) -> tuple[str, ...]:
    """Oldest first. Of very many the first and the newest are kept, as RFC 5322 advises."""
    found = message_ids(value(message, "References"))
    return tuple(found if len(found) <= REFERENCES_MAX else [found[0], *found[-REFERENCES_MAX + 1 :]])


def addresses(message: Message, name: str, problems: list[str]) -> tuple[MailAddress, ...]:
    """Who stands in a field, each address once; broken ones are told in `problems`, never guessed at."""
    raw = [line[:_VALUE_MAX] for line in values(message, name)]
    found: dict[str, MailAddress] = {}
    broken = 0
    pairs = _pairs(raw)
    for display, written in pairs:
        if len(found) >= RECIPIENTS_MAX:
            problems.append(f"{name} has more than {RECIPIENTS_MAX} addresses; the first {RECIPIENTS_MAX} are kept.")
            break
        address = checked(written)
        if address is None:
            # An empty group ("undisclosed-recipients:;") gives an empty pair.
            broken += bool(written or display)
            continue
        found.setdefault(address.lower(), MailAddress(shown_name(display), address))
    if broken:
        problems.append(f"{name} holds {broken} address{'es' if broken > 1 else ''} that cannot be read.")
    return tuple(found.values())


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    """Names and addresses as the standard library finds them; it recurses for every bracket, and gives up then."""
    try:
        return getaddresses(lines)
    except (RecursionError, ValueError, IndexError):
        return [("", "?")]


def addresses_in(text: str) -> tuple[MailAddress, ...]:
    """The addresses in a line of text, as in a field; what is none is passed over."""
    pairs = ((display, checked(written)) for display, written in _pairs([text[:_VALUE_MAX]]))
    return tuple(MailAddress(shown_name(display), address) for display, address in pairs if address)


def checked(written: str) -> str | None:
    """An address in the form mail servers take, or None. The local part keeps its case, the domain is lower case."""
    if not written or len(written) > _ADDRESS_MAX or written != one_line(written, _ADDRESS_MAX):
        return None
    try:
        valid = validate_email(
            written, check_deliverability=False, test_environment=True, allow_quoted_local=True, strict=False
        )
    except EmailNotValidError:
        return None
    return f"{valid.local_part}@{valid.ascii_domain or valid.domain}"


def shown_name(display: str) -> str:
    """A display name, decoded, on one line, without marks that turn the reading direction.

    A name that is itself an address ("ceo@example.com" <x@evil.example>) is a trick, or at best says nothing.
    """
    name = one_line(decoded(display), _NAME_MAX).strip("\"' ")
    return "" if "@" in name and checked(name.strip("<>[]() ").lower()) else name


def date_of(message: Message, now: datetime) -> datetime | None:
    """When it says it was written, in UTC; None if it does not, or says before 1990 or the day after tomorrow."""
    raw = value(message, "Date")
    try:
        written = parsedate_to_datetime(raw[:200])
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    try:
        # Without a zone (or "-0000") it is UTC, RFC 5322, 3.3.
        date = written.astimezone(UTC) if written.tzinfo else written.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return date if _EARLIEST <= date <= now + _CLOCK_SKEW else None
