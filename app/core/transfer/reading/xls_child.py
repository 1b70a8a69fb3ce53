"""Prints an old Excel workbook (.xls) as JSON lines; run by ``xls.py`` in a process of its own.

calamine allocates the rectangle between the first and the last cell, and a forged file can name any: the
process is given little memory and time, and dies alone.

Usage: python xls_child.py FILE [SHEET]   (without a sheet: the names of the visible ones)
"""

import datetime
import json
import resource
import sys

MEMORY = 1_200_000_000
SECONDS = 120


def main(path: str, sheet: str | None) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    if sheet is None:
        visible = python_calamine.SheetVisibleEnum.Visible
        work = python_calamine.SheetTypeEnum.WorkSheet
        print(  # noqa: T201
            json.dumps([item.name for item in book.sheets_metadata if item.visible == visible and item.typ == work])
        )
        return
    table = book.get_sheet_by_name(sheet)
    for number, cells in enumerate(table.iter_rows(), start=1):
        texts = [text_of(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            print(json.dumps([number, texts]))  # noqa: T201


def text_of(cell: object) -> str:
    """A value as text, as the other readers write it."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e21:
        return str(int(cell))
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat().removesuffix("T00:00:00")
    return str(cell)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
