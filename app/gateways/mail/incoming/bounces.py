"""Reports that a mail of ours did not arrive: RFC 3464, and the many forms of before.

Delivery status is read here, field by field. For reports that are only text, flufl.bounce (Mailman's) knows
the programs' wordings; what it finds is completed from the text.
"""

from __future__ import annotations

import logging
import re
from email import message_from_bytes

from flufl.bounce import all_failures

from app.gateways.mail.composing import one_line
from app.gateways.mail.incoming import automatic, headers, parts
from app.gateways.mail.incoming.message import Bounce, FailedRecipient

_RECIPIENTS_MAX = 100
_TEXT_MAX = 50_000
_SCANNED_MAX = 100_000
_DIAGNOSTIC_MAX = 500
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<!\d)([45]\d\d)[ -](?=[\d#A-Za-z<])")
_INNER_ID = re.compile(r"^message-id:\s{0,20}(<[^<>\s]{3,250}>)", re.IGNORECASE | re.MULTILINE)
_MENTIONED = re.compile(r"[^\s<>\"'(),;:]{1,64}@[A-Za-z0-9.-]{1,190}")
_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status|failure|notification|has failed|incomplete|problem|report)|"
    r"returned mail|mail delivery|"
    r"failure notice|unzustellbar|nicht zugestellt|échec|non remis|no (?:se )?(?:ha podido )?entrega|non recapitabile|"
    r"onbestelbaar|message (?:not|could not be) delivered|delayed|warning: could not send",
    re.IGNORECASE,
)
_LOG = logging.getLogger("flufl.bounce")


def read_bounce(tree: parts.Tree, raw: bytes, text: str, why: str | None, subject: str) -> Bounce | None:
    """The report a mail is, or None. `why` is what `automatic.why` said: a person's mail is never a report."""
    if why is None:
        # Also one with a report as its part: people forward what they cannot make sense of.
        return None
    reports = [part for part in tree.leaves if part.role == "report" and "delivery-status" in part.type]
    recipients = [one for part in reports for one in _status_of(part)]
    if not recipients:
        named = headers.value(tree.head, "X-Failed-Recipients")
        if not named and (why == automatic.RECEIPT or not _looks_like(tree, why, subject)):
            return None
        recipients = _from_text(raw, text, named)
    if not recipients:
        return None
    return Bounce(tuple(recipients[:_RECIPIENTS_MAX]), _original_id(tree, text))


def _looks_like(tree: parts.Tree, why: str, subject: str) -> bool:
    by_program = why in (automatic.EMPTY_SENDER, automatic.REPORT) or "program" in why
    return by_program and (bool(_SUBJECTS.search(subject)) or tree.type == "multipart/report")


def _status_of(part: parts.Part) -> list[FailedRecipient]:
    """One per recipient (RFC 3464, 2.3); those that were delivered are not among them."""
    found = []
    for block in parts.blocks(part):
        written = headers.value(block, "Original-Recipient") or headers.value(block, "Final-Recipient")
        final = headers.value(block, "Final-Recipient") or written
        address = _address(written) or _address(final)
        action = headers.value(block, "Action").split()[:1]
        if address is None or (action and action[0].lower() not in ("failed", "delayed")):
            continue
        diagnostic = _diagnostic(headers.value(block, "Diagnostic-Code"))
        status = _STATUS.search(headers.value(block, "Status"))
        status = status or _STATUS.search(diagnostic)
        code = status.group(1) if status else None
        permanent = action[0].lower() == "failed" if action else not (code or "5").startswith("4")
        found.append(FailedRecipient(address, code, diagnostic, permanent))
    return found


def _from_text(raw: bytes, text: str, named: str) -> list[FailedRecipient]:
    """By the wording of the text."""
    late: set[bytes] = set()
    never: set[bytes] = set()
    if len(raw) <= _SCANNED_MAX:
        _LOG.disabled = True  # it logs every guess, and its own exceptions, which are ours to take
        try:
            late, never = (set(found) for found in all_failures(message_from_bytes(raw)))
        except Exception as unknown:  # its detectors raise on mail that is broken as well
            late, never = set(), set()
            logging.getLogger(__name__).info("flufl.bounce gave up: %s", type(unknown).__name__)
    head = text[:_TEXT_MAX]
    addresses = {one.address: True for one in headers.addresses_in(named)}
    addresses |= {address: True for raw in never if (address := _address(raw.decode("utf-8", "replace")))}
    addresses |= {address: False for raw in late - never if (address := _address(raw.decode("utf-8", "replace")))}
    if not addresses and (_STATUS.search(head) or _REPLY_CODE.search(head)):
        first = next((a for m in _MENTIONED.finditer(head) if (a := headers.checked(m.group().strip(".")))), None)
        addresses = {first: not _is_delay(head)} if first else {}
    return [_completed(address, head, permanent) for address, permanent in addresses.items()]


def _completed(address: str, text: str, permanent: bool) -> FailedRecipient:
    """With the status and the words that stand near the address."""
    at = text.lower().find(address.lower())
    near = text[at : at + 1500] if at >= 0 else text[:3000]
    status, code = _STATUS.search(near), _REPLY_CODE.search(near)
    line = next((line for line in near.split("\n") if _REPLY_CODE.search(line) or _STATUS.search(line)), "")
    written = status.group(1) if status else f"{code.group(1)[0]}.0.0" if code else None
    return FailedRecipient(address, written, _diagnostic(line), permanent and not (written or "5").startswith("4"))


def _is_delay(text: str) -> bool:
    return bool(re.search(r"\bdelayed\b|will (?:be retried|keep trying)|still trying|warning message only", text, re.I))


def _address(written: str) -> str | None:
    """``rfc822;ann@example.com`` and its like."""
    plain = written.rpartition(";")[2].strip().strip("<>").strip()
    found = headers.addresses_in(plain)
    return headers.checked(plain) or (found[0].address if found else None)


def _diagnostic(written: str) -> str:
    kind, gap, rest = written.partition(";")
    return one_line(rest if gap and len(kind) < 12 else written, _DIAGNOSTIC_MAX)


def _original_id(tree: parts.Tree, text: str) -> str | None:
    """Which mail it was about: its headers are attached, or quoted, or it is answered."""
    for part in tree.leaves:
        if part.role == "message" or part.type in ("text/rfc822-headers", "message/global-headers"):
            found = headers.message_id(headers.value(part.inner_head(), "Message-ID"))
            if found is not None:
                return found
    named = _INNER_ID.search(text[:_TEXT_MAX])
    if named and (found := headers.message_id(named.group(1))):
        return found
    answered = headers.message_ids(headers.value(tree.head, "In-Reply-To")) or headers.references_of(tree.head)
    return answered[-1] if answered else None
