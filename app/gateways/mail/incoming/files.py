"""Attachments: a name that is safe, a type that is true, and a mark on what a browser might run."""

from __future__ import annotations

import re
import unicodedata

import filetype

from app.gateways.mail.composing import one_line
from app.gateways.mail.incoming import headers, parts
from app.gateways.mail.incoming.message import Attachment

NAME_MAX = 150
_SNIFFED = 8192
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}$")
_UNSAFE = re.compile(r'[<>:"|?*\\/%]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_MARKUP = re.compile(
    rb"<\s*(?:!doctype\s+html|html|head|body|script|iframe|svg|img|object|embed|form|meta|link|style|base|math|"
    rb"xsl:stylesheet|\?xml-stylesheet|a|p|div|table|title|h1|br)\b",
    re.IGNORECASE,
)
_ENDINGS_ACTIVE = {
    *("html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "svg", "svgz", "xml", "xsl", "xslt", "js", "mjs"),
    *("swf", "hta", "htc", "jar", "jnlp", "url", "webloc", "lnk", "exe", "com", "scr", "bat", "cmd", "ps1", "vbs"),
    *("wsf", "msi", "apk", "app", "dmg", "iso", "img", "docm", "xlsm", "pptm", "pdf", "eml", "msg", "one", "chm"),
}
_TYPES_ACTIVE = re.compile(r"html|[/+]xml|svg|javascript|ecmascript|flash|java-archive|msdownload|executable")
# What a name ends with when its mail gave none.
_ENDING_OF = {"text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml"}
_TNEF = b"\x78\x9f\x3e\x22"


def attachment(part: parts.Part, number: int, content: bytes) -> Attachment:
    """A part as a file; `number` names what has no name."""
    kind = sniffed(content, part.type)
    written = headers.decoded(parts.filename(part.head))
    content_id = headers.value(part.head, "Content-ID").strip("<> \t")[:250] or None
    name = safe_name(written, kind, number)
    return Attachment(
        name=name,
        type=kind,
        declared_type=part.type,
        content=content,
        content_id=content_id,
        inline=parts.disposition(part.head) == "inline" or (content_id is not None and kind.startswith("image/")),
        active=is_active(name, kind, part.type),
    )


def safe_name(written: str, kind: str, number: int) -> str:
    """A file name: no folders, controls, direction marks or reserved names; short, with its ending kept."""
    tail = re.split(r"[/\\]", written)[-1]
    name = one_line(unicodedata.normalize("NFC", _UNSAFE.sub("_", tail)), 4 * NAME_MAX).strip(". ")
    if not name or _RESERVED.fullmatch(name):
        ending = _ENDING_OF.get(kind) or f".{_extension(kind)}"
        return f"attachment-{number}{ending}"
    if len(name) <= NAME_MAX:
        return name
    ending_found = _ENDING.search(name)
    ending = ending_found.group() if ending_found else ""
    return name[: NAME_MAX - len(ending)].rstrip(". ") + ending


def _extension(kind: str) -> str:
    found = filetype.get_type(mime=kind)
    return found.extension if found else "bin"


def sniffed(content: bytes, declared: str) -> str:
    """What the content is, whatever its name or sender say.

    `filetype` knows what has a signature. Text has none: markup is found by its tags, and other text keeps a
    declared text type that cannot run, or is text/plain.
    """
    head = content[:_SNIFFED]
    if head.startswith(_TNEF):
        return "application/ms-tnef"
    text = _is_text(head)
    if text and _MARKUP.search(head):
        return "image/svg+xml" if b"<svg" in head.lower() else "text/html"
    found = filetype.guess(head) if head else None
    if found is not None and not (text and found.mime in ("image/bmp", "audio/mpeg")):
        return str(found.mime)
    if text:
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
            return "application/xml"
        harmless = declared.startswith(("text/", "message/")) and not _TYPES_ACTIVE.search(declared)
        return declared if harmless or declared.startswith("application/pgp") else "text/plain"
    # Office files of before 2007 and signatures: nothing a browser would run.
    known = declared.startswith(("application/", "audio/", "video/", "font/")) and not _TYPES_ACTIVE.search(declared)
    return declared if known else "application/octet-stream"


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    return sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head[:1024]) == 0


def is_active(name: str, *kinds: str) -> bool:
    """Whether a browser or a system might run it, by its ending or by either of its types."""
    return name.rsplit(".", 1)[-1].lower() in _ENDINGS_ACTIVE or any(_TYPES_ACTIVE.search(kind) for kind in kinds)
