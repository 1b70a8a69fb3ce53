"""Bytes to text whatever the mail says they are: never an exception, and whether it was a guess is told."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

# What mail names and Python does not, and the supersets that mail programs mean when they name the smaller set.
_MEANT = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "windows-874": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
}
# Codecs of Python that are no charset of mail: slow, or not for text.
_NEVER = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_SAMPLE = 16 * 1024
_SHORT = 256
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """`guessed`: the declared charset was missing, unknown or wrong, and the bytes are not plain UTF-8 either."""

    text: str
    guessed: bool = False


def text_of(data: bytes, declared: str | None) -> Decoded:
    """The text of `data`: by its declared charset, else as UTF-8, else as charset-normalizer judges a sample."""
    for name in (declared, "utf-8"):
        codec = _codec(name)
        if codec is None:
            continue
        try:
            return Decoded(clean(data.decode(codec)))
        except (UnicodeError, ValueError):
            continue
    return Decoded(clean(_guessed(data, _codec(declared))), guessed=True)


def clean(text: str) -> str:
    """Line ends of one kind, and nothing a database or a page cannot take (NUL, lone surrogates, controls)."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def rescued(header: str) -> str:
    """Header text whose bytes outside ASCII were kept as surrogates: UTF-8, or what they look like."""
    if header.isascii():
        return header
    return text_of(header.encode("utf-8", "surrogateescape"), None).text


def _codec(name: str | None) -> str | None:
    if not name:
        return None
    asked = name.strip().strip("\"'").lower()[:40]
    meant = _MEANT.get(asked) or _MEANT.get(asked.replace("_", "-")) or asked
    try:
        found = codecs.lookup(meant)
    except (LookupError, ValueError):
        return None
    return None if found.name.replace("-", "_") in _NEVER or not found._is_text_encoding else found.name


def _guessed(data: bytes, declared: str | None) -> str:
    """A declared charset that fits but for a few bytes is believed; a sample is judged otherwise."""
    if declared is not None:
        text = data.decode(declared, "replace")
        if text.count("\ufffd") <= len(text) // 50:
            return text
    # A few accents in a short line are too little to judge by.
    if len(data) < _SHORT and sum(byte > 127 for byte in data) < len(data) / 2:
        return data.decode("cp1252", "replace")
    best = from_bytes(data[:_SAMPLE], enable_fallback=False).best()
    codec = _codec(best.encoding) if best is not None else None
    return data.decode(codec or "cp1252", "replace")
