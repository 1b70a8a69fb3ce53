"""The words of reading: limits, formats, rows, and the one error."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self, cast

Kind = Literal["csv", "xlsx", "xls", "ods"]


class UnreadableFile(Exception):
    """The file, or the rest of it, cannot be read. ``message`` is one sentence meant for the user."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


@dataclass(frozen=True)
class Limits:
    """How much one file may ask of us. Raising one of these raises time or disk, not memory."""

    max_bytes: int = 300 * 2**20
    max_rows: int = 1_000_000
    max_columns: int = 500
    max_cell: int = 100_000
    max_record: int = 2_000_000  # characters of one CSV row, quoted newlines included
    max_unpacked: int = 2**30  # a million rows of twelve columns are some 600 MB of XML
    max_ratio: int = 200  # unpacked to packed; real workbooks lie between 3 and 60
    ratio_floor: int = 64 * 2**20  # below this the ratio does no harm
    max_entries: int = 5_000
    max_part: int = 32 * 2**20  # workbook parts other than sheets and strings
    max_strings: int = 12_000_000
    max_xls: int = 30 * 2**20
    sample_rows: int = 20
    inspected_rows: int = 1_000
    counted_rows: int = 20_000  # `inspect` reads no further; above it the number of rows is not known


DEFAULT = Limits()


@dataclass(frozen=True)
class TableFormat:
    """How a file is to be read; stored with the import so that the worker reads it the same way."""

    kind: Kind
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    header_row: int
    width: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``. Raises KeyError when a value is missing."""
        return cls(
            kind=cast(Kind, data["kind"]),
            encoding=data["encoding"],
            delimiter=data["delimiter"],
            sheet=data["sheet"],
            header_row=int(data["header_row"]),
            width=int(data["width"]),
        )


class Row(NamedTuple):
    """One data row: as many cells as the table has columns, unless it is refused.

    ``problem`` says why it is refused (its cells are then all it had, so that it can be mended), ``warning``
    what to look at although it goes through.
    """

    number: int
    cells: tuple[str, ...]
    problem: str | None = None
    warning: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What a file holds, found without reading all of a large one.

    ``rows`` is None when they were not all counted.
    """

    format: TableFormat
    headers: tuple[str, ...]
    sample: tuple[Row, ...]
    rows: int | None
    sheets: tuple[str, ...]
    warnings: tuple[str, ...]
    size: int


class Note(NamedTuple):
    """What a reader has to say about a record besides its cells."""

    problem: str | None = None
    warning: str | None = None
    unfinished: bool = False  # the last line of the file, without a line end
    doubtful: bool = False  # read again after a quotation mark that was never closed


Record = tuple[int, list[str], Note | None]
"""Number as a spreadsheet shows it, cells, and a note only where there is something to say."""


@dataclass
class Hidden:
    """Counts what a reader left out because the spreadsheet hides it."""

    rows: int = 0
    columns: int = 0


def too_wide(index: int, limits: Limits) -> str:
    """Sentence for a cell beyond the last column a table may have."""
    return f"Column {column_letter(index)} is filled; a table may have {limits.max_columns} columns at most."


def column_letter(index: int) -> str:
    """Name of a column as spreadsheets show it: 0 is A, 25 is Z, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
