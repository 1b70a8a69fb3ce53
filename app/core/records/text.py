"""Text as people see it turned into text as it is compared, sorted and searched. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NOT_WORD = re.compile(r"[\W_]+")
_SORT_LENGTH = 120
_TERMS = 8
_PHONE_DIGITS = 7
_PHONE = re.compile(r"[+(]?[0-9][0-9 ().+/-]*[0-9]")
_TRUNK = re.compile(r"0+[1-9][0-9]{5,30}")


def clean(text: str) -> str:
    """Without control characters and surrounding space; line ends are LF; Unicode is composed (NFC)."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub("", text).strip()


def fold(text: str) -> str:
    """Without case and accents: “José” and “jose” compare equal."""
    if text.isascii():
        return text.lower()
    marks = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in marks if not unicodedata.combining(letter))


def sort_key(*parts: str | None) -> str:
    """What a column of text is sorted by, in binary order; an empty one sorts last, hence the high letter."""
    key = fold(" ".join(part for part in parts if part))[:_SORT_LENGTH].strip()
    return key or "\U0010fffd"


def words(text: str) -> list[str]:
    """The words of a text as the search index holds them; a word longer than 60 letters is cut."""
    return [word[:60] for word in _NOT_WORD.split(fold(text)) if word]


def search_text(parts: Iterable[str | None]) -> str:
    """What a record is found by: every word of the parts, folded, once each."""
    return " ".join(dict.fromkeys(words(" ".join(part for part in parts if part))))


def phone_words(number: str | None) -> str:
    """A number in E.164 as people may begin to type it: with its country code, and without its one to three digits."""
    digits = (number or "").partition(";")[0].lstrip("+")
    return " ".join(digits[skip:] for skip in range(4)) if len(digits) > _PHONE_DIGITS else digits


def prefix_query(text: str, tags: Iterable[str] = ()) -> str | None:
    """A tsquery in which each word typed so far is a prefix and each tag is exact; None if there is no word.

    Words hold letters and digits only and tags are quoted, so nothing typed can break the tsquery's syntax.
    """
    terms = [f"{word}:*" for word in words(text)[:_TERMS]]
    digits = "".join(words(text)).lstrip("0")[:60]
    if len(terms) > 1 and digits and _PHONE.fullmatch(text.strip()):
        terms = [f"({' & '.join(terms)} | {digits}:*)"]
    elif len(terms) == 1 and _TRUNK.fullmatch(text.strip()):
        terms = [f"({terms[0]} | {digits}:*)"]
    terms += ["'" + tag_key(tag).replace("\\", "\\\\").replace("'", "''") + "'" for tag in tags]
    return " & ".join(terms) or None


def tag_key(tag: str) -> str:
    """A tag as the search index holds it: the mark keeps it apart from a word of text."""
    return "#" + fold(tag)


def split_tags(text: str) -> tuple[str, ...]:
    """Tags of a comma-separated text, each once whatever its case, in the order given."""
    tags: dict[str, str] = {}
    for part in re.split(r"[,;\n]", text):
        tag = " ".join(clean(part).split())
        if tag:
            tags.setdefault(fold(tag), tag)
    return tuple(tags.values())
