"""From records to a table: the header, the width, and the rows, whatever kind of file they come from."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from app.core.transfer.reading import delimited, ods, xls, xlsx
from app.core.transfer.reading.encodings import MARK, check_encoding, find_encoding
from app.core.transfer.reading.findings import (
    LONGER,
    encoding_warning,
    header_warnings,
    hidden_warning,
    name_warning,
    row_warnings,
)
from app.core.transfer.reading.kinds import find_kind
from app.core.transfer.reading.model import (
    DEFAULT,
    Hidden,
    Inspection,
    Kind,
    Limits,
    Note,
    Record,
    Row,
    TableFormat,
    UnreadableFile,
    column_letter,
)


def inspect(
    path: Path,
    filename: str,
    *,
    limits: Limits = DEFAULT,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Inspection:
    """Find out how a file is to be read, and what it holds. What the user knows better may be given.

    Raises UnreadableFile, with a sentence for the user, when it holds no table. The name is not believed:
    it only adds a warning when it promises another kind.
    """
    kind = find_kind(path, limits)
    sheets = _sheets(path, kind, limits)
    if kind == "csv":
        encoding = check_encoding(encoding) if encoding else find_encoding(path)
        found, _ = delimited.find_delimiter(path, encoding)
        delimiter = delimiter or found
    else:
        encoding = delimiter = None
        sheet = sheet or sheets[0]
    unmeasured = TableFormat(kind, encoding, delimiter, sheet, header_row=0, width=0)
    return _inspect(path, filename, unmeasured, sheets, limits)


def read_rows(path: Path, fmt: TableFormat, *, start: int = 0, limits: Limits = DEFAULT) -> Iterator[Row]:
    """The data rows, in order, blank ones left out; the first ``start`` of them are passed over quickly.

    Raises UnreadableFile, with the row, only when the rest of the file cannot be read at all.
    """
    rows = _rows(_records(path, fmt, limits, Hidden()), fmt, limits)
    return islice(rows, start, None) if start else rows


def _sheets(path: Path, kind: Kind, limits: Limits) -> tuple[str, ...]:
    if kind == "xlsx":
        return xlsx.sheet_names(path, limits)
    if kind == "ods":
        return ods.sheet_names(path, limits)
    if kind == "xls":
        return xls.sheet_names(path, limits)
    return ()


def _records(path: Path, fmt: TableFormat, limits: Limits, hidden: Hidden) -> Iterator[Record]:
    if fmt.kind == "xlsx":
        return xlsx.records(path, fmt.sheet or "", limits, hidden)
    if fmt.kind == "ods":
        return ods.records(path, fmt.sheet or "", limits, hidden)
    if fmt.kind == "xls":
        return xls.records(path, fmt.sheet or "", limits)
    return delimited.records(path, fmt.encoding or "utf-8", fmt.delimiter or ",", limits)


def _inspect(path: Path, filename: str, fmt: TableFormat, sheets: tuple[str, ...], limits: Limits) -> Inspection:
    hidden = Hidden()
    records = _records(path, fmt, limits, hidden)
    if fmt.kind == "csv" and delimited.find_delimiter(path, fmt.encoding or "utf-8")[1]:
        next(records, None)
    number, header = _header(records, fmt, limits)
    head = list(islice(records, limits.inspected_rows))
    width = _width(header, head)
    names = unique_headers(header[:width] + [""] * (width - len(header)))
    fmt = TableFormat(fmt.kind, fmt.encoding, fmt.delimiter, fmt.sheet, number, width)
    rows = list(_shaped(head, fmt, limits))
    size = path.stat().st_size
    complete = len(head) < limits.inspected_rows
    count = len(rows) if complete else None
    warnings = [
        *name_warning(filename, fmt.kind),
        *encoding_warning(fmt),
        *header_warnings(header),
        *row_warnings(rows, complete),
        *hidden_warning(hidden),
    ]
    if not complete:
        further = list(islice(records, limits.counted_rows))
        more = sum(1 for _ in _shaped(further, fmt, limits, already=len(rows)))
        count = len(rows) + more if len(further) < limits.counted_rows else None
    return Inspection(fmt, names, tuple(rows[: limits.sample_rows]), count, sheets, tuple(warnings), size)


def _header(records: Iterator[Record], fmt: TableFormat, limits: Limits) -> tuple[int, list[str]]:
    """Number and cells of the first row that is not blank.

    Raises UnreadableFile when there is none, or it is broken.
    """
    for number, cells, note in records:
        if note and note.problem and "NUL" not in note.problem and MARK not in "".join(cells):
            raise UnreadableFile(f"The header (row {number}) cannot be read: {note.problem}", row=number)
        names = [cell.replace("\0", "").replace(MARK, "\ufffd").strip("\ufeff \t\r\n\xa0") for cell in cells]
        if any(names):
            if len(names) > limits.max_columns and any(names[limits.max_columns :]):
                raise UnreadableFile(
                    f"The header has {len(names):,} columns; a table may have {limits.max_columns} at most.",
                    row=number,
                )
            return number, names[: limits.max_columns]
    raise UnreadableFile(
        "The file is empty: it has no row with anything in it."
        if fmt.sheet is None
        else f"The sheet “{fmt.sheet}” is empty."
    )


def _width(header: list[str], head: Iterable[Record]) -> int:
    """How many columns the table has: the named ones, and unnamed ones of the header that hold something.

    A header may end in empty cells only because a spreadsheet wrote them.
    """
    width = max(index + 1 for index, name in enumerate(header) if name)
    for _, cells, _ in head:
        for index in range(width, min(len(cells), len(header))):
            if cells[index]:
                width = index + 1
    return width


def unique_headers(names: list[str]) -> tuple[str, ...]:
    """Names by which columns can be told apart: “Column C” for a blank one, “Email (2)” for a second."""
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    given = {name.casefold() for name in names}
    result: list[str] = []
    for index, name in enumerate(names):
        base = candidate = name or f"Column {column_letter(index)}"
        counts[base.casefold()] += 1
        while candidate.casefold() in taken or (candidate != name and candidate.casefold() in given):
            counts[base.casefold()] = max(2, counts[base.casefold()] + (candidate != base))
            candidate = f"{base} ({counts[base.casefold()]})"
        taken.add(candidate.casefold())
        result.append(candidate)
    return tuple(result)


def _rows(records: Iterator[Record], fmt: TableFormat, limits: Limits) -> Iterator[Row]:
    for number, _, _ in records:
        if number >= fmt.header_row:
            break
    return _shaped(records, fmt, limits)


def _shaped(records: Iterable[Record], fmt: TableFormat, limits: Limits, already: int = 0) -> Iterator[Row]:
    """Rows of the table's width. The usual row, with nothing to say and as wide, takes the short way."""
    width, most, count = fmt.width, limits.max_rows, already
    furthest = fmt.header_row + 2 * most + 1_048_576  # blank rows may be many, but not without end
    for number, cells, note in records:
        if note is None and not any(cells):
            if number > furthest:
                raise UnreadableFile("The file consists almost only of blank lines.", row=number)
            continue
        count += 1
        if count > most:
            raise UnreadableFile(
                f"The file has more than {most:,} rows. "
                f"Split it into files of at most {most:,} rows, each with the header.",
                row=number,
            )
        if note is None and len(cells) == width:
            yield Row(number, tuple(cells))
        else:
            yield _unusual(number, cells, note or Note(), width)


def _unusual(number: int, cells: list[str], note: Note, width: int) -> Row:
    """A row that is short, long, or has something to say."""
    problem, warning = note.problem, note.warning
    surplus = next((index for index in range(width, len(cells)) if cells[index]), None)
    if problem is None and surplus is not None:
        problem = f"{LONGER}: column {column_letter(surplus)} has no heading."
    if problem is None and note.doubtful and len(cells) != width:
        problem = "The row follows a quotation mark that is never closed and does not have the cells of the header."
    if problem is None and note.unfinished and len(cells) < width:
        last = column_letter(max(0, len(cells) - 1))
        warning = f"The last row of the file ends in column {last}: it may have been cut off."
    kept = [cell.replace("\0", "\ufffd").replace(MARK, "\ufffd") for cell in cells] if problem else cells
    if problem is None or len(kept) < width:
        kept = kept[:width] + [""] * (width - len(kept))
    return Row(number, tuple(kept), problem, warning)
