"""CSV, TSV and the like, as a stream of records.

Rules: RFC 4180, read as leniently as spreadsheets do, with every line end (LF, CRLF, CR, mixed). What
cannot be read costs its own row. Memory is bounded by ``Limits.max_record``, whatever the quotes say.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

from app.core.transfer.reading.encodings import ERRORS, MARK
from app.core.transfer.reading.model import Limits, Note, Record, UnreadableFile, column_letter

DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE = 2**17
_SAMPLE_ROWS = 200
_MOST_REPAIRS = 200
"""Unclosed quotation marks survived in one file; each costs reading up to one record twice."""


def find_delimiter(path: Path, encoding: str) -> tuple[str, int]:
    """The delimiter, and the number of lines to pass over (1 for Excel's ``sep=;`` line).

    The header must contain it; then the one that gives most rows the same number of cells wins, then the
    one that gives more cells.
    """
    with _open(path, encoding) as stream:
        text = stream.read(_SAMPLE)
    lines = list(StringIO(text, newline=""))
    first = lines[0].rstrip("\r\n") if lines else ""
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    whole = lines[:-1] if len(text) == _SAMPLE and len(lines) > 1 else lines
    return max(DELIMITERS, key=lambda delimiter: _fit(whole, delimiter)), 0


def _fit(lines: list[str], delimiter: str) -> tuple[bool, float, int]:
    widths: list[int] = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if any(cells):
                widths.append(len(cells))
            if len(widths) == _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    if not widths or widths[0] < 2:
        return (False, 0.0, 0) if delimiter != "," else (False, 0.0, 1)
    usual, times = Counter(widths).most_common(1)[0]
    return (True, times / len(widths) if usual > 1 else 0.0, widths[0])


def records(path: Path, encoding: str, delimiter: str, limits: Limits) -> Iterator[Record]:
    """Every record of the file, blank ones too (as no cells).

    Raises UnreadableFile when too much of it is broken.
    """
    with _open(path, encoding) as stream:
        yield from _records(_Lines(stream, limits), delimiter, limits)


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, errors=ERRORS, newline="")


class _Lines:
    """Physical lines, remembered until their record is complete: a broken one is read again."""

    def __init__(self, stream: TextIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._again: deque[str] = deque()
        self.pending: list[str] = []
        self.suspect = False  # a line since the last record needs a closer look
        self.stopped = False  # the last record was still open when the lines ended
        self.ended = False  # the file has no more lines

    @property
    def waiting(self) -> int:
        """How many lines are there to be read again."""
        return len(self._again)

    def __iter__(self) -> Iterator[str]:
        self.stopped = False
        pending, readline = self.pending, self._stream.readline
        longest, cell = self._limits.max_record, self._limits.max_cell
        size = 0
        while True:
            line = self._again.popleft() if self._again else readline(longest)
            if not line:
                self.ended = True
                break
            if pending:
                size += len(line)
                if size > longest:
                    self._again.appendleft(line)
                    break
            else:
                size = len(line)
            if "\0" in line or MARK in line or size > cell or line[-1] not in "\r\n":
                self.suspect = True
            pending.append(line)
            yield line
        self.stopped = True

    def read_again(self) -> None:
        """Give back every pending line but the first, which is given up."""
        self._again.extendleft(reversed(self.pending[1:]))
        self.done()

    def skip_rest_of_line(self) -> None:
        """Pass over what is left of a line longer than a record may be."""
        if self._again and self._again.popleft()[-1] in "\r\n":
            return
        while (piece := self._stream.readline(self._limits.max_record)) and piece[-1] not in "\r\n":
            pass

    def done(self) -> None:
        self.pending.clear()
        self.suspect = False


def _records(lines: _Lines, delimiter: str, limits: Limits) -> Iterator[Record]:
    number = repairs = doubtful = width = 0
    while True:
        try:
            for cells in csv.reader(lines, delimiter=delimiter):
                number += 1
                if lines.stopped:
                    open_record = cells
                    break
                width = width or len(cells)
                note = None
                if lines.suspect or doubtful:
                    note = _note(cells, lines, limits, doubtful=doubtful > 0)
                    doubtful = max(0, doubtful - len(lines.pending))
                yield number, cells, note
                lines.pending.clear()
                lines.suspect = False
            else:
                return
        except csv.Error:
            number += 1
            open_record = []
        problem, cells = _broken(lines, delimiter, limits)
        repairs += 1
        if repairs > _MOST_REPAIRS:
            raise UnreadableFile(
                "Too many quotation marks in the file are opened and never closed. Check how it was written.",
                row=number,
            )
        if open_record and lines.ended and not _any_fits(lines.pending[1:], delimiter, width):
            yield number, open_record, Note(problem=f"{problem} The file may have been cut off here.")
            return
        yield number, cells, Note(problem=problem)
        lines.read_again()
        doubtful = lines.waiting


def _note(cells: list[str], lines: _Lines, limits: Limits, *, doubtful: bool) -> Note | None:
    last = lines.pending[-1]
    cut = len(last) >= limits.max_record and last[-1] not in "\r\n"
    if cut:
        lines.skip_rest_of_line()
        return Note(problem=f"The row is longer than {limits.max_record:,} characters.")
    for index, cell in enumerate(cells):
        if problem := _problem_of_cell(cell, limits):
            return Note(problem=f"Column {column_letter(index)} {problem}")
    unfinished = last[-1] not in "\r\n"
    return Note(unfinished=unfinished, doubtful=doubtful) if unfinished or doubtful else None


def _problem_of_cell(cell: str, limits: Limits) -> str | None:
    if "\0" in cell:
        return "contains a NUL byte (character code 0). Remove it."
    if MARK in cell:
        return "contains bytes that do not fit the encoding of the file."
    if len(cell) > limits.max_cell:
        return f"is longer than {limits.max_cell:,} characters."
    return None


def _any_fits(lines: list[str], delimiter: str, width: int) -> bool:
    """Whether what follows an open quotation mark looks like rows rather than the rest of a cell."""
    try:
        return any(len(cells) == width for cells in csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return True


def _broken(lines: _Lines, delimiter: str, limits: Limits) -> tuple[str, list[str]]:
    """What to say of a record that did not end, and the cells of its first line."""
    first = lines.pending[0] if lines.pending else ""
    if len(first) >= limits.max_record and first[-1] not in "\r\n":
        lines.skip_rest_of_line()
        return f"The row is longer than {limits.max_record:,} characters.", []
    try:
        cells = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        return f"A cell is longer than {limits.max_cell:,} characters.", []
    column = column_letter(max(0, len(cells) - 1))
    return f"A quotation mark opened in column {column} is never closed.", cells
