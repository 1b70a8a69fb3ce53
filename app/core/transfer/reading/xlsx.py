"""XLSX and XLSM, one row at a time and with flat memory.

Read directly rather than through openpyxl (keeps every string in memory) or calamine (allocates the whole
rectangle between the first and the last cell: one cell at QQQ123456 asks for 47 GB and aborts the process).
Source of the rules: ECMA-376 part 1, chapter 18.
"""

import posixpath
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.parsers import expat
from zipfile import ZipFile

from app.core.transfer.reading.archive import elements, local_name, parse, whole_number
from app.core.transfer.reading.model import (
    Hidden,
    Limits,
    Note,
    Record,
    UnreadableFile,
    column_letter,
    too_wide,
)
from app.core.transfer.reading.strings import SharedStrings
from app.core.transfer.reading.values import date_text, number_text, unescape

_DATE_FORMATS = {*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)}
_TIME_FORMATS = {18, 19, 20, 21, *range(32, 36), 45, 46, 47}
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 (spreadsheets know no time zones)
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)


@dataclass(frozen=True)
class Workbook:
    """Visible sheets by name, with their parts; where the strings are; which styles are dates."""

    sheets: dict[str, str]
    strings: str | None
    dates: frozenset[int]
    epoch: datetime


def sheet_names(path: Path, limits: Limits) -> tuple[str, ...]:
    """Names of the visible worksheets, in order. Raises UnreadableFile."""
    with ZipFile(path) as archive:
        return tuple(_workbook(archive, limits).sheets)


def records(path: Path, sheet: str, limits: Limits, hidden: Hidden) -> Iterator[Record]:
    """Rows of a sheet that hold something. Hidden rows and columns are left out and counted.

    Raises UnreadableFile when the sheet is missing or damaged.
    """
    with ZipFile(path) as archive:
        book = _workbook(archive, limits)
        if sheet not in book.sheets:
            raise UnreadableFile(f"The spreadsheet has no sheet “{sheet}”.")
        with SharedStrings() as strings:
            if book.strings:
                strings.load(archive, book.strings, limits)
            rows = _Sheet(book, strings, limits, hidden)
            with closing(parse(archive, book.sheets[sheet], rows.parser)) as pieces:
                for _ in pieces:
                    yield from rows.take()


def _workbook(archive: ZipFile, limits: Limits) -> Workbook:
    main = "xl/workbook.xml"
    for target, kind in _relations(archive, "", limits).values():
        if kind == "officeDocument":
            main = target
    relations = _relations(archive, main, limits)
    sheets: dict[str, str] = {}
    epoch = _EPOCH
    for tag, attributes in elements(archive, main, limits):
        if tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            epoch = _EPOCH_1904
        target, kind = relations.get(attributes.get("id", ""), ("", ""))
        if tag == "sheet" and kind == "worksheet" and attributes.get("state", "visible") == "visible":
            sheets[attributes.get("name", f"Sheet{len(sheets) + 1}")] = target
    if not sheets:
        raise UnreadableFile("The spreadsheet has no visible sheet.")
    parts = {kind: target for target, kind in relations.values()}
    styles = elements(archive, parts["styles"], limits) if parts.get("styles") in archive.namelist() else []
    strings = parts.get("sharedStrings")
    return Workbook(sheets, strings if strings in archive.namelist() else None, _date_styles(styles), epoch)


def _relations(archive: ZipFile, part: str, limits: Limits) -> dict[str, tuple[str, str]]:
    folder, name = posixpath.split(part)
    listing = posixpath.join(folder, "_rels", f"{name}.rels")
    if listing not in archive.namelist():
        return {}
    return {
        attributes.get("Id", ""): (
            posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/"),
            attributes.get("Type", "").rpartition("/")[2],
        )
        for tag, attributes in elements(archive, listing, limits)
        if tag == "Relationship"
    }


def _date_styles(styles: list[tuple[str, dict[str, str]]]) -> frozenset[int]:
    codes: dict[int, str] = {}
    dates: set[int] = set()
    index, inside = 0, False
    for tag, attributes in styles:
        if tag == "numFmt" and not inside:
            codes[whole_number(attributes.get("numFmtId"), -1)] = attributes.get("formatCode", "")
        elif tag in ("cellXfs", "cellStyles", "dxfs"):
            inside = tag == "cellXfs"
        elif tag == "xf" and inside:
            if _is_date(whole_number(attributes.get("numFmtId"), 0), codes):
                dates.add(index)
            index += 1
    return frozenset(dates)


def _is_date(number: int, codes: dict[int, str]) -> bool:
    if number not in codes:
        return number in _DATE_FORMATS or number in _TIME_FORMATS
    code = _NOT_CODE.sub("", codes[number][:1000].split(";", 1)[0]).lower()
    return "general" not in code and re.search(r"[ymdhs]", code) is not None


class _Sheet:
    """Handlers that turn the elements of a worksheet into rows."""

    def __init__(self, book: Workbook, strings: SharedStrings, limits: Limits, hidden: Hidden) -> None:
        self._book, self._strings, self._limits, self._hidden = book, strings, limits, hidden
        self._columns: dict[str, int] = {}
        self._skipped: set[int] = set()
        self._rows: list[Record] = []
        self._number = 0
        self._row_hidden = False
        self._row: dict[int, str] = {}
        self._problem: str | None = None
        self._warning: str | None = None
        self._column = -1
        self._type, self._style = "n", "0"
        self._formula = self._wanted = False
        self._text: list[str] = []
        self._length = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def take(self) -> list[Record]:
        """The rows completed since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = local_name(tag)
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v" or (tag == "t" and self._type == "inlineStr"):
            self._wanted = True
        elif tag == "f":
            self._formula = True
        elif tag == "row":
            self._number = max(self._number + 1, whole_number(attributes.get("r"), 0))
            self._row_hidden = attributes.get("hidden") in ("1", "true")
            self._column = -1
        elif tag == "rPh":
            self._type = "phonetic"
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            self._hide(whole_number(attributes.get("min"), 1) - 1, whole_number(attributes.get("max"), 1))

    def _hide(self, first: int, end: int) -> None:
        self._skipped.update(range(first, min(end, self._limits.max_columns)))
        self._hidden.columns = len(self._skipped)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        letters = attributes.get("r", "").rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _column_index(letters) if len(self._columns) < 20_000 else -1
        self._column = column if column >= 0 else self._column + 1
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._formula = False
        self._length = 0
        self._text.clear()

    def _data(self, piece: str) -> None:
        if self._wanted and self._length <= self._limits.max_cell:
            self._text.append(piece)
            self._length += len(piece)

    def _end(self, tag: str) -> None:
        if ":" in tag:
            tag = local_name(tag)
        if tag == "c":
            if self._text or self._formula:
                self._end_cell()
        elif tag == "v" or tag == "t":
            self._wanted = False
        elif tag == "row":
            self._end_row()

    def _end_cell(self) -> None:
        column = self._column
        if column in self._skipped:
            return
        text = self._value("".join(self._text), column)
        if not text:
            return
        if column >= self._limits.max_columns:
            self._problem = too_wide(column, self._limits)
        elif len(text) > self._limits.max_cell:
            self._problem = f"Column {column_letter(column)} is longer than {self._limits.max_cell:,} characters."
        else:
            self._row[column] = text

    def _value(self, raw: str, column: int) -> str:
        kind = self._type
        if kind == "s":
            index = whole_number(raw.strip(), -1)
            if not 0 <= index < len(self._strings):
                self._problem = f"Column {column_letter(column)} refers to a text the spreadsheet does not hold."
                return ""
            return self._strings[index]
        if kind == "n":
            if not raw:
                where = column_letter(column)
                self._warning = f"Column {where} holds a formula without a saved result and is read as empty."
                return ""
            is_date = whole_number(self._style, 0) in self._book.dates
            return date_text(raw, self._book.epoch) if is_date else number_text(raw)
        if kind == "b":
            return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
        if kind == "e":
            self._warning = f"Column {column_letter(column)} holds the error {raw[:20]} and is read as empty."
            return ""
        return unescape(raw)

    def _end_row(self) -> None:
        if self._row_hidden:
            self._hidden.rows += 1
        elif self._row or self._problem:
            note = Note(self._problem, self._warning) if self._problem or self._warning else None
            self._rows.append((self._number, self._cells(), note))
        self._row.clear()
        self._problem = self._warning = None

    def _cells(self) -> list[str]:
        row = self._row
        width = max(row, default=-1) + 1
        if not self._skipped:
            return [row.get(column, "") for column in range(width)]
        return [row.get(column, "") for column in range(width) if column not in self._skipped]


def _column_index(letters: str) -> int:
    """Index of a column by its letters (A is 0); -1 when there are none that make sense."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > 3:
        return -1
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1
