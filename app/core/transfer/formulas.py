"""Cells a spreadsheet would run as a formula, made harmless and brought back.

Rule (OWASP "CSV Injection", claim 32 of the security design): a cell that begins with ``= + - @`` (or their
full-width twins), tab, carriage return or NUL is written with an apostrophe in front, which spreadsheets show
as plain text. A
cell that already begins with apostrophes followed by such a character gets one more, so that the way back
is exact: taking one apostrophe away from a text that matches gives the original, always.

The exporter does the same in SQL. PostgreSQL text cannot hold NUL, so its pattern is ``SQL_PATTERN``::

    CASE WHEN value ~ '^''*[=+@\\t\\r-]' THEN '''' || value ELSE value END
"""

import re

# Spreadsheets set to Chinese or Japanese read the full-width signs as the others.
_WIDE = "\uff1d\uff0b\uff0d\uff20"
SQL_PATTERN = rf"^'*[=+@{_WIDE}\t\r-]"
"""PostgreSQL regular expression (``~``) for cells the exporter prefixes with one apostrophe."""

_DANGEROUS = re.compile(rf"'*[=+\-@{_WIDE}\t\r\x00]")
_NEUTRALISED = re.compile(rf"'+[=+\-@{_WIDE}\t\r\x00]")


def neutralise(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it; harmless text comes back as it is."""
    return "'" + text if _DANGEROUS.match(text) else text


def restore(text: str) -> str:
    """Return what ``neutralise`` was given: the exact inverse for everything it wrote.

    Text from elsewhere that merely looks neutralised (``'=1`` typed by a person) loses its apostrophe too.
    """
    return text[1:] if _NEUTRALISED.match(text) else text
