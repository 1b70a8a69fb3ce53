"""OpenDocument spreadsheets, one row at a time and with flat memory.

Read directly: calamine allocates every cell between the first and the last. Source of the rules:
OpenDocument 1.3 part 3, chapter 9 (tables), 6.1 (white space), 19.385 (value types).
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.parsers import expat
from zipfile import ZipFile

from app.core.transfer.reading.archive import local_name, parse, whole_number
from app.core.transfer.reading.model import (
    Hidden,
    Limits,
    Note,
    Record,
    UnreadableFile,
    column_letter,
    too_wide,
)
from app.core.transfer.reading.values import number_text

_CONTENT = "content.xml"
_DURATION = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")


def sheet_names(path: Path, limits: Limits) -> tuple[str, ...]:
    """Names of the visible sheets, in order. Raises UnreadableFile."""
    names: list[str] = []
    concealed: set[str] = set()
    style = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal style
        if tag == "style:style":
            style = attributes.get("style:name", "")
        elif tag == "style:table-properties" and attributes.get("table:display") == "false":
            concealed.add(style)
        elif tag == "table:table" and attributes.get("table:style-name") not in concealed:
            names.append(attributes.get("table:name", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with ZipFile(path) as archive:
        for _ in parse(archive, _CONTENT, parser):
            pass
    if not names:
        raise UnreadableFile("The spreadsheet has no visible sheet.")
    return tuple(names)


def records(path: Path, sheet: str, limits: Limits, hidden: Hidden) -> Iterator[Record]:
    """Rows of a sheet that hold something. Hidden rows and columns are left out and counted.

    Raises UnreadableFile when the file is damaged or the sheet missing.
    """
    rows = _Sheet(sheet, limits, hidden)
    with ZipFile(path) as archive, closing(parse(archive, _CONTENT, rows.parser)) as pieces:
        for _ in pieces:
            for number, times, cells, note in rows.take():
                for offset in range(times):
                    yield number + offset, cells, note
            if rows.finished:
                return
    if not rows.finished:
        raise UnreadableFile(f"The spreadsheet has no sheet “{sheet}”.")


class _Sheet:
    """Handlers that turn the elements of one table into rows; a repeated row is kept once, with its count."""

    def __init__(self, name: str, limits: Limits, hidden: Hidden) -> None:
        self._name, self._limits, self._hidden = name, limits, hidden
        self.finished = False
        self._reading = False
        self._rows: list[tuple[int, int, list[str], Note | None]] = []
        self._number = self._times = 1
        self._row_hidden = False
        self._column = self._columns = self._declared = 0
        self._skipped: set[int] = set()
        self._row: dict[int, str] = {}
        self._problem: str | None = None
        self._warning: str | None = None
        self._cell: dict[str, str] = {}
        self._text: list[str] = []
        self._length = 0
        self._paragraphs = self._depth = self._aside = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def take(self) -> list[tuple[int, int, list[str], Note | None]]:
        """The rows completed since the last call: number, times, cells, note."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._reading = self._reading or (not self.finished and attributes.get("table:name") == self._name)
        elif not self._reading:
            return
        elif tag in ("office:annotation", "draw:frame", "table:shapes"):
            self._aside += 1
        elif tag == "table:table-column":
            self._declare_column(attributes)
        elif tag == "table:table-row":
            self._times = whole_number(attributes.get("table:number-rows-repeated"), 1)
            self._row_hidden = attributes.get("table:visibility") in ("collapse", "filter")
            self._column = 0
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._cell = attributes
            self._text.clear()
            self._length = self._paragraphs = 0
        elif not self._aside:
            self._start_text(local_name(tag), attributes)

    def _declare_column(self, attributes: dict[str, str]) -> None:
        end = self._declared + whole_number(attributes.get("table:number-columns-repeated"), 1)
        if attributes.get("table:visibility") in ("collapse", "filter"):
            self._skipped.update(range(self._declared, min(end, self._limits.max_columns)))
            self._hidden.columns = len(self._skipped)
        self._declared = end

    def _start_text(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "p":
            if self._paragraphs:
                self._add("\n")
            self._paragraphs += 1
            self._depth += 1
        elif tag == "s":
            self._add(" " * min(whole_number(attributes.get("text:c"), 1), 1000))
        elif tag == "tab":
            self._add("\t")
        elif tag == "line-break":
            self._add("\n")

    def _data(self, piece: str) -> None:
        if self._depth and not self._aside:
            self._add(piece)

    def _add(self, piece: str) -> None:
        if self._length <= self._limits.max_cell:
            self._text.append(piece)
            self._length += len(piece)

    def _end(self, tag: str) -> None:
        if not self._reading:
            return
        if tag in ("office:annotation", "draw:frame", "table:shapes"):
            self._aside -= 1
        elif tag == "text:p" and not self._aside:
            self._depth -= 1
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._end_cell(covered=tag == "table:covered-table-cell")
        elif tag == "table:table-row":
            self._end_row()
        elif tag == "table:table" and not self._aside:
            self._reading, self.finished = False, True

    def _end_cell(self, *, covered: bool) -> None:
        first = self._column
        self._column += whole_number(self._cell.get("table:number-columns-repeated"), 1)
        text = self._value()
        if not text or covered:
            return
        if len(text) > self._limits.max_cell:
            self._problem = f"Column {column_letter(first)} is longer than {self._limits.max_cell:,} characters."
            return
        for column in range(first, min(self._column, self._limits.max_columns)):
            if column not in self._skipped:
                self._row[column] = text
        if self._column > self._limits.max_columns:
            self._problem = too_wide(self._column - 1, self._limits)

    def _value(self) -> str:
        cell = self._cell
        kind = cell.get("office:value-type", "")
        if cell.get("calcext:value-type") == "error":
            error = "".join(self._text)[:20]
            self._warning = f"Column {column_letter(self._column - 1)} holds the error {error} and is read as empty."
            return ""
        if kind in ("float", "percentage", "currency"):
            return number_text(cell.get("office:value", ""))
        if kind == "date":
            return cell.get("office:date-value", "").removesuffix("T00:00:00")
        if kind == "time":
            clock = _DURATION.fullmatch(cell.get("office:time-value", ""))
            return ":".join(clock.groups()) if clock else cell.get("office:time-value", "")
        if kind == "boolean":
            return cell.get("office:boolean-value", "").upper()
        return "".join(self._text) or cell.get("office:string-value", "")

    def _end_row(self) -> None:
        if self._row_hidden:
            self._hidden.rows += self._times if self._row else 0
        elif self._row or self._problem:
            note = Note(self._problem, self._warning) if self._problem or self._warning else None
            width = max(self._row, default=-1) + 1
            cells = [self._row.get(column, "") for column in range(width) if column not in self._skipped]
            self._rows.append((self._number, self._times, cells, note))
        self._number += self._times
        self._row = {}
        self._problem = self._warning = None
