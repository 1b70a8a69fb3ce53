"""From bytes to the parts of a mail: what is text, what is HTML, what is a file.

A tree of byte ranges (RFC 2046), each with its headers parsed by the standard library. The library's own parser
of bodies keeps every line as an object: 38 MB of empty lines in nested parts took minutes and gigabytes
(measured). Here a body is searched for its boundary and never copied before it is decoded, so reading takes
time and memory in proportion to the mail, and what is not in proportion is limited.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from typing import TypeVar

from app.gateways.mail.incoming import headers
from app.gateways.mail.incoming.message import DEPTH_MAX, HEADERS_MAX, PARTS_MAX

T = TypeVar("T")
_PARAMS_MAX = 4000
_ALL_HEADERS_MAX = 2 * 1024 * 1024
_HEADER_LINES = re.compile(rb"(?:(?:From |[\x21-\x39\x3b-\x7e]+[ \t]*:|[ \t])[^\r\n]*(?:\r\n|\n|\r|\Z))*")
_EMPTY_LINE = re.compile(rb"[ \t]*(?:\r\n|\n|\r)")
_GAP = re.compile(rb"\r?\n\r?\n|\r\r")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r\n|\n|\r|\Z)")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)
_MESSAGES = ("message/rfc822", "message/global", "message/news")
# Text that belongs to another program, even where it is offered as one form of the message.
_FILES_OF_TEXT = {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/xml"}
_SHOWN_TEXT = {"text/plain", "text/enriched", "text/markdown"}


class TooMuch(Exception):
    """More parts, levels or headers than are read; the text is a sentence."""


@dataclass(slots=True)
class Part:
    """A leaf of the tree: its headers, and where its body stands in the raw bytes.

    `role` is "text", "html", "file", "report" (about a delivery) or "message" (a whole mail as a part).
    """

    head: Message
    type: str
    role: str
    raw: bytes = field(repr=False)
    start: int
    end: int

    def content(self) -> bytes:
        """The decoded bytes; what cannot be decoded is given as it stands."""
        body = self.raw[self.start : self.end]
        return _decoded(body, headers.value(self.head, "Content-Transfer-Encoding").strip(" \t\"';").lower())

    def inner_head(self) -> Message:
        """The headers of the mail this part is."""
        return parse_head(self.content()[:HEADERS_MAX])


@dataclass(slots=True)
class Tree:
    """A mail taken apart. `broken`: some boundary was missing; `cut`: headers beyond the limit were left out."""

    head: Message
    type: str
    leaves: list[Part]
    broken: bool = False
    cut: bool = False


def parse(raw: bytes) -> Tree:
    """The parts of a mail, in order. Raises TooMuch; nothing else."""
    return _Reader(raw).read()


def parse_head(raw: bytes) -> Message:
    """The headers alone, of bytes whose body is not looked at."""
    return _headers_in(raw, 0, len(raw), HEADERS_MAX)[0]


def _headers_in(raw: bytes, start: int, end: int, most: int) -> tuple[Message, int, bool]:
    """The headers of what begins at `start`, where its body begins, and whether headers were left out."""
    limit = min(end, start + most)
    found = _HEADER_LINES.match(raw, start, limit)
    stop = found.end() if found else start
    cut = stop >= limit < end
    if cut:
        stop = max(start, raw.rfind(b"\n", start, limit) + 1)
    head = BytesHeaderParser().parsebytes(raw[start:stop])
    if cut:
        gap = _GAP.search(raw, stop, end)
        return head, gap.end() if gap else end, True
    empty = _EMPTY_LINE.match(raw, stop, end)
    return head, empty.end() if empty else stop, False


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._leaves: list[Part] = []
        self._made = 0
        self._headers_left = _ALL_HEADERS_MAX
        self._broken = False

    def read(self) -> Tree:
        head, body, cut = _headers_in(self._raw, 0, len(self._raw), HEADERS_MAX)
        self._take(head, body, len(self._raw))
        return Tree(head, type_of(head), self._leaves, self._broken, cut)

    def _take(self, head: Message, body: int, end: int) -> None:
        """Puts the leaves below one part on the list, without recursion."""
        waiting = [(head, body, end, 0, False)]
        while waiting:
            head, body, end, depth, is_file = waiting.pop()
            kind = type_of(head)
            ranges = self._inside(head, body, end) if kind.startswith("multipart/") else []
            if not ranges:
                self._leaf(head, kind, body, end, is_file)
                continue
            if depth >= DEPTH_MAX:
                raise TooMuch(f"The mail has more than {DEPTH_MAX} parts nested in each other.")
            # What is encrypted cannot be read; its parts are kept as files.
            files = is_file or kind == "multipart/encrypted"
            default = "message/rfc822" if kind == "multipart/digest" else None
            waiting.extend((*self._opened(a, b, default), depth + 1, files) for a, b in reversed(ranges))

    def _leaf(self, head: Message, kind: str, body: int, end: int, is_file: bool) -> None:
        if kind.startswith("multipart/"):
            # Without its boundary it is one text, more or less.
            self._broken = True
            kind = "text/plain"
        role = "file" if is_file else _role(head, kind)
        self._leaves.append(Part(head, kind, role, self._raw, body, end))

    def _opened(self, start: int, end: int, default: str | None) -> tuple[Message, int, int]:
        head, body, cut = _headers_in(self._raw, start, end, self._headers_left)
        self._headers_left -= body - start
        if cut or self._headers_left <= 0:
            raise TooMuch("The parts of the mail have more headers than are read.")
        if default is not None and "Content-Type" not in head:
            head["Content-Type"] = default
        return head, body, end

    def _inside(self, head: Message, body: int, end: int) -> list[tuple[int, int]]:
        """Where the parts of a multipart stand, between the lines of its boundary."""
        named = param(head, "boundary")
        if not named or len(named) > 250:
            return []
        mark = b"--" + named.rstrip().encode("utf-8", "surrogateescape")
        ranges: list[tuple[int, int]] = []
        opened: int | None = None
        at = self._raw.find(mark, body, end)
        while at >= 0:
            after = _AFTER_BOUNDARY.match(self._raw, at + len(mark), end)
            if after is None or not (at == body or self._raw[at - 1] in b"\r\n"):
                at = self._raw.find(mark, at + 1, end)
                continue
            if opened is not None:
                ranges.append((opened, _before_line_end(self._raw, opened, at)))
                self._made += 1
                if self._made > PARTS_MAX:
                    raise TooMuch(f"The mail has more than {PARTS_MAX:,} parts.")
            if after.group(1):
                return ranges
            opened = after.end()
            at = self._raw.find(mark, opened, end)
        self._broken = True
        return ranges if opened is None else [*ranges, (opened, end)]


def _before_line_end(raw: bytes, start: int, at: int) -> int:
    """The line end in front of a boundary belongs to the boundary."""
    if at - 2 >= start and raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if at - 1 >= start else start


def _role(head: Message, kind: str) -> str:
    if kind in _MESSAGES:
        return "message"
    if kind in ("message/delivery-status", "message/global-delivery-status", "message/disposition-notification"):
        return "report"
    if disposition(head) == "attachment" or not kind.startswith("text/") or kind in _FILES_OF_TEXT:
        return "file"
    if kind == "text/html":
        return "html"
    return "file" if filename(head) and (disposition(head) != "inline" or kind not in _SHOWN_TEXT) else "text"


def blocks(part: Part) -> Iterator[Message]:
    """The groups of fields in a report, between empty lines (RFC 3464, 2.1)."""
    content = part.content()[:HEADERS_MAX].strip()
    for block in re.split(rb"(?:\r?\n[ \t]*){2,}|\r\r", content)[:200]:
        yield parse_head(block.lstrip())


def type_of(head: Message) -> str:
    """``type/subtype``; what has none, or a broken one, is text (RFC 2045, 5.2)."""
    kind = safely(head.get_content_type, "text/plain").lower()
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


def disposition(head: Message) -> str:
    return (safely(head.get_content_disposition, None) or "").strip().lower()


def param(head: Message, name: str) -> str | None:
    """A parameter of Content-Type, RFC 2231 read; None if there is none or it cannot be read."""
    found = safely(lambda: _with_rescued(head).get_param(name), None)
    if not isinstance(found, tuple):
        return found
    decoded = found
    return safely(lambda: collapse_rfc2231_value(decoded), None)


def filename(head: Message) -> str:
    """The name a part gives itself, not yet decoded or made safe; empty if it gives none."""
    named = safely(lambda: _with_rescued(head).get_filename(), None)
    if named:
        return headers.unfolded(named)
    return headers.value(head, "Content-Location").rsplit("/", 1)[-1]


def _with_rescued(head: Message) -> Message:
    """The two headers with parameters, their bytes outside ASCII read."""
    made = Message()
    for name in ("Content-Type", "Content-Disposition"):
        if value := headers.value(head, name):
            made[name] = value[:_PARAMS_MAX]
    return made


def _decoded(body: bytes, how: str) -> bytes:
    try:
        if how == "quoted-printable":
            return quopri.decodestring(body)
        if how == "base64":
            return _base64(body)
        if how in ("x-uuencode", "uuencode", "uue", "x-uue"):
            return _uu(body)
    except (ValueError, binascii.Error):
        pass
    return body


def _base64(body: bytes) -> bytes:
    """What is no letter of base64 is skipped; of a text that ends too early what is whole is kept."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]+", b"", body)
        return binascii.a2b_base64(letters[: len(letters) - len(letters) % 4])


def _uu(body: bytes) -> bytes:
    begun = _UU_BEGIN.search(body)
    if begun is None:
        return body
    out = bytearray()
    for line in re.finditer(rb"[^\r\n]+", body[begun.end() :]):
        if line.group().strip() in (b"end", b"`"):
            break
        # The length stands in the first letter; some programs pad lines with more than it says.
        size = (((line.group()[0] - 32) & 63) * 4 + 5) // 3
        try:
            out += binascii.a2b_uu(line.group()[:size])
        except binascii.Error:
            continue
    return bytes(out)


def safely(call: Callable[[], T], otherwise: T) -> T:
    """What the library says, or a default where broken mail makes it raise."""
    try:
        return call()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        return otherwise
