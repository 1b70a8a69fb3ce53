"""What a user should know of a file before it is imported, in sentences."""

from collections import Counter
from collections.abc import Iterable

from app.core.transfer.reading.model import Hidden, Kind, Row, TableFormat

LONGER = "The row has more cells than the header"


def name_warning(filename: str, kind: Kind) -> list[str]:
    ending = filename.rpartition(".")[2].lower() if "." in filename else ""
    promised = {
        "csv": "csv",
        "tsv": "csv",
        "tab": "csv",
        "txt": "csv",
        "xlsx": "xlsx",
        "xlsm": "xlsx",
        "xls": "xls",
        "ods": "ods",
    }
    if ending in promised and promised[ending] != kind:
        really = {
            "csv": "a text file",
            "xlsx": "an XLSX workbook",
            "xls": "an old Excel workbook",
            "ods": "an OpenDocument spreadsheet",
        }
        return [f"The name ends in .{ending}, but the file is {really[kind]}; it is read as that."]
    return []


def encoding_warning(fmt: TableFormat) -> list[str]:
    if fmt.encoding is None or fmt.encoding.startswith("utf"):
        return []
    return [f"The encoding was taken to be {fmt.encoding}; check that accented letters look right."]


def header_warnings(header: list[str]) -> list[str]:
    named = Counter(name.casefold() for name in header if name)
    twice = sum(1 for times in named.values() if times > 1)
    return [f"{_count(twice, 'heading occurs', 'headings occur')} more than once and got numbers."] if twice else []


def hidden_warning(hidden: Hidden) -> list[str]:
    parts = [
        _count(number, one, many)
        for number, one, many in (
            (hidden.rows, "hidden row", "hidden rows"),
            (hidden.columns, "hidden column", "hidden columns"),
        )
        if number
    ]
    return [f"The spreadsheet hides some of its cells; left out: {' and '.join(parts)}."] if parts else []


def row_warnings(rows: list[Row], complete: bool) -> list[str]:
    if not rows:
        return ["The file has a header but no rows."]
    counted = _Counted()
    counted.of(rows)
    where = "" if complete else f" (looked at the first {len(rows):,})"
    return [warning.removesuffix(".") + where + "." for warning in counted.warnings]


class _Counted:
    """Counts rows and sums up what is wrong with them."""

    def __init__(self) -> None:
        self._longer = self._refused = 0
        self._first: Row | None = None
        self._notable: list[str] = []

    def of(self, rows: Iterable[Row]) -> int:
        """Look at rows, and count them."""
        count = 0
        for row in rows:
            count += 1
            if row.problem and row.problem.startswith(LONGER):
                self._longer += 1
            elif row.problem:
                self._refused += 1
                self._first = self._first or row
            elif row.warning and len(self._notable) < 5:
                self._notable.append(f"Row {row.number}: {row.warning}")
        return count

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user."""
        found = []
        if self._longer:
            found.append(f"{_count(self._longer, 'row is', 'rows are')} longer than the header.")
        if self._first is not None:
            first = f"the first is row {self._first.number}: {self._first.problem}"
            found.append(f"{_count(self._refused, 'row', 'rows')} cannot be read; {first}")
        return found + self._notable


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
