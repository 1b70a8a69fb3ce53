"""Old Excel workbooks (.xls), read by calamine in a small process of its own (see ``xls_child.py``)."""

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from app.core.transfer.reading.model import Limits, Note, Record, UnreadableFile, column_letter, too_wide

_CHILD = Path(__file__).with_name("xls_child.py")
_UNREADABLE = "The old Excel workbook cannot be read. Open it, save it as XLSX or CSV and upload that."


def sheet_names(path: Path, limits: Limits) -> tuple[str, ...]:
    """Names of the visible sheets, in order. Raises UnreadableFile."""
    with closing(_lines(path)) as lines:
        names = [name for line in lines for name in json.loads(line)]
    if not names:
        raise UnreadableFile("The spreadsheet has no visible sheet.")
    return tuple(names)


def records(path: Path, sheet: str, limits: Limits) -> Iterator[Record]:
    """Rows of a sheet that hold something; hidden ones too, since calamine does not tell which.

    Raises UnreadableFile.
    """
    with closing(_lines(path, sheet)) as lines:
        for line in lines:
            number, cells = json.loads(line)
            yield number, cells, _note(cells, limits)


def _note(cells: list[str], limits: Limits) -> Note | None:
    if len(cells) > limits.max_columns:
        return Note(problem=too_wide(len(cells) - 1, limits))
    for index, cell in enumerate(cells):
        if "\0" in cell:
            return Note(problem=f"Column {column_letter(index)} contains a NUL byte (character code 0). Remove it.")
        if len(cell) > limits.max_cell:
            return Note(problem=f"Column {column_letter(index)} is longer than {limits.max_cell:,} characters.")
    return None


def _lines(path: Path, *arguments: str) -> Generator[bytes, None, None]:
    with _child([sys.executable, "-I", str(_CHILD), str(path.resolve()), *arguments]) as output:
        yield from output


@contextmanager
def _child(command: list[str]) -> Iterator[IO[bytes]]:
    process = subprocess.Popen(  # noqa: S603 (fixed program, no shell, the path is ours)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield process.stdout
        if process.wait() != 0:
            raise UnreadableFile(_UNREADABLE)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
