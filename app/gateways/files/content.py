"""What a file is, by its content: a name that is safe, a type that is true, and whether a browser might run it.

Nothing is opened: archives stay packed, pictures are not decoded. Of a picture only the head is read, for its size.
"""

from __future__ import annotations

import re
import unicodedata
from io import BytesIO

import filetype
import imagesize

from app.gateways.mail.composing import one_line

NAME_MAX = 150
_NAME_BYTES = 240
"""What file systems take is 255 bytes, and browsers add a number to a name that is there already."""
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


PIXELS_MAX = 40_000_000
"""More is a phone's camera of no one: a picture that unpacks to gigabytes is offered as a download only."""
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What a page may show in place: raster pictures every browser decodes by itself."""


def safe_name(written: str, kind: str, number: int) -> str:
    """A file name: no folders, controls, direction marks or reserved names; short, with its ending kept."""
    tail = re.split(r"[/\\]", written)[-1]
    clean = unicodedata.normalize("NFC", _UNSAFE.sub("_", tail))
    name = one_line(clean, len(clean) + 1).strip(". ")
    if not name or _RESERVED.fullmatch(name):
        ending = _ENDING_OF.get(kind) or f".{_extension(kind)}"
        return f"attachment-{number}{ending}"
    ending_found = _ENDING.search(name)
    ending = ending_found.group() if ending_found else ""
    return _cut(name.removesuffix(ending), NAME_MAX - len(ending), _NAME_BYTES - len(ending)) + ending


def _cut(text: str, characters: int, size: int) -> str:
    if len(text) <= characters and len(text.encode()) <= size:
        return text
    return text[:characters].encode()[:size].decode("utf-8", "ignore").rstrip(". ")


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


def is_shown(head: bytes, kind: str) -> bool:
    """Whether a page may show the picture that begins with `head`: a raster type, with a size that is told and sane."""
    if kind not in SHOWN:
        return False
    try:
        width, height = imagesize.get(BytesIO(head))
    except Exception:  # the library raises what it likes for what is broken
        return False
    return width > 0 and height > 0 and width * height <= PIXELS_MAX
