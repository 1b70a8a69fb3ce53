"""The encoding of a text file, found from all of its bytes, never from the start alone."""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from app.core.transfer.reading.model import UnreadableFile

MARK = "\udcff"
"""Stands in decoded text for bytes that do not belong to the encoding; no valid text contains it."""

ERRORS = "fairlead-mark"
"""Error handler for decoding: marks what cannot be decoded and goes on, so that only that row is refused."""

_CHUNK = 2**20
_EVIDENCE = 2**16
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return MARK, error.end
    raise error


codecs.register_error(ERRORS, _mark)


ENCODINGS = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"),
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-15"),
    *("cp437", "cp850", "cp852", "cp866", "mac-roman", "mac-cyrillic", "koi8-r", "koi8-u"),
    *("shift_jis", "cp932", "euc_jp", "iso2022_jp", "gb18030", "gbk", "big5", "euc_kr", "cp949"),
)
"""What a user may choose. Others of Python's are not text, or decode to half a surrogate pair (UTF-7)."""

_KNOWN = {codecs.lookup(name).name for name in ENCODINGS}


def check_encoding(name: str) -> str:
    """The encoding chosen by a user, as Python knows it. Raises UnreadableFile if it is none of ENCODINGS."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise UnreadableFile(f"The encoding “{name[:40]}” is not known.") from error
    if found not in _KNOWN:
        raise UnreadableFile(f"The encoding “{name[:40]}” is not supported.")
    return found


def _best(evidence: bytes, among: list[str] | None = None) -> str:
    best = from_bytes(evidence, cp_isolation=among).best()
    name = codecs.lookup(best.encoding).name if best is not None else "cp1252"
    return name if name in _KNOWN else "cp1252"


def find_encoding(path: Path) -> str:
    """Encoding of the file: its mark, else UTF-16 by its NULs, else UTF-8 if it is, else the likeliest.

    A file that is UTF-8 but for a few bytes is UTF-8; those bytes cost their rows only.
    """
    with path.open("rb") as file:
        head = file.read(_EVIDENCE)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if wide := _utf16_without_mark(head):
        return wide
    if _is_utf8(path):
        return "utf-8"
    return _likeliest(_evidence(path))


def _utf16_without_mark(head: bytes) -> str | None:
    half = max(1, len(head) // 2)
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd * 10 > half * 3 and even * 20 < odd:
        return "utf-16-le"
    if even * 10 > half * 3 and odd * 20 < even:
        return "utf-16-be"
    return None


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
    return True


def _evidence(path: Path) -> bytes:
    """Surroundings of the bytes above ASCII, from anywhere in the file: the rest of it proves nothing."""
    pieces: list[bytes] = []
    gathered = 0
    with path.open("rb") as file:
        while gathered < _EVIDENCE and (chunk := file.read(_CHUNK)):
            if chunk.isascii():
                continue
            for line in chunk.splitlines(keepends=True):
                if not line.isascii():
                    pieces.append(line[:_EVIDENCE])
                    gathered += len(pieces[-1])
                    if gathered >= _EVIDENCE:
                        break
    return b"".join(pieces)


def _likeliest(evidence: bytes) -> str:
    high = len(re.findall(rb"[\x80-\xff]", evidence))
    valid = sum(len(match) for match in _UTF8.findall(evidence))
    if valid * 10 >= high * 9:
        return "utf-8"
    runs = _HIGH_RUN.findall(evidence)
    if sum(len(run) for run in runs if len(run) >= 3) * 2 < high and b"\x00" not in evidence:
        return _western(evidence)
    return _best(evidence)


def _western(evidence: bytes) -> str:
    """Single accented letters among ASCII ones: the code page that turns most of them into usual letters.

    charset-normalizer is not asked here, on a few letters it guesses. Windows-1252 wins a tie.
    """
    return max(_USUAL, key=lambda name: _usual_share(evidence.decode(name, ERRORS), _USUAL[name]))


def _usual_share(text: str, usual: str) -> float:
    high = [char for char in text if char > "\x7f"]
    return sum(char in usual or char.lower() in usual for char in high) / max(1, len(high))


_PUNCTUATION = "€‚„…‘’“”•–—™«»°·©®§£¥¢¡¿´±²³½¼¾×\xa0\xad"
_USUAL = {
    "cp1252": "àâäáãåæçèéêëìíîïñòóôöõøùúûüÿßœ" + _PUNCTUATION,
    "cp1250": "áčďéěíňóřšťúůýžąćęłńśźżäôĺľŕöüßőűăâîş" + _PUNCTUATION,
    "cp1254": "çğıöşüâîûİ" + _PUNCTUATION,
}
