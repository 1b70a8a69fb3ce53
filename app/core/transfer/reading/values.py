"""Values of spreadsheets as text."""

import re
from datetime import datetime, timedelta

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def unescape(text: str) -> str:
    """Characters XML cannot hold are written _x000D_ (ECMA-376 part 1, 22.9.2.19)."""
    return _ESCAPED.sub(_escaped_character, text) if "_x" in text else text


def _escaped_character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code == 0 or 0xD800 <= code <= 0xDFFF else chr(code)  # no database stores those


def number_text(raw: str) -> str:
    """A number as a person would write it: whole ones without a point, no exponent up to 10**21."""
    if raw.isdigit():
        return raw
    try:
        value = float(raw)
    except ValueError:
        return raw
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    return f"{value:.15f}".rstrip("0") if "e-" in text and abs(value) > 1e-12 else text


def date_text(raw: str, epoch: datetime) -> str:
    """An Excel serial as ISO 8601: a date, a time (below one day), or both. Odd ones stay numbers."""
    try:
        serial = float(raw)
        if not 0 <= serial < 2_958_466:
            return number_text(raw)
        if epoch.year == 1899 and 1 <= serial < 60:  # 1900 was no leap year, Excel counts 29 February all the same
            serial += 1
        moment = epoch + timedelta(milliseconds=round(serial * 86_400_000))
    except (ValueError, OverflowError):
        return raw
    if serial < 1:
        return moment.time().isoformat()
    return moment.date().isoformat() if serial.is_integer() else moment.isoformat()
