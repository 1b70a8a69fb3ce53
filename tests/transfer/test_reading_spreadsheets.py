"""XLSX, ODS and XLS: values as text, hidden and merged cells, and workbooks built to do harm."""

import datetime
import io
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from app.core.transfer.reading import Inspection, Limits, Row, UnreadableFile, inspect, read_rows
from app.core.transfer.reading.values import date_text, number_text

Sheet = openpyxl.worksheet.worksheet.Worksheet
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'


def read(file: Path, limits: Limits | None = None) -> tuple[Inspection, list[Row]]:
    limits = limits or Limits()
    found = inspect(file, file.name, limits=limits)
    return found, list(read_rows(file, found.format, limits=limits))


def saved(book: openpyxl.Workbook, path: Path) -> Path:
    file = path / "book.xlsx"
    book.save(file)
    return file


def with_sheet(path: Path, data: str, extra: dict[str, str] | None = None) -> Path:
    """A workbook whose only sheet is this XML."""
    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    file = path / "made.xlsx"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name not in {"xl/worksheets/sheet1.xml", *(extra or {})}:
                target.writestr(name, source.read(name))
        target.writestr("xl/worksheets/sheet1.xml", data if data.startswith("<!") else SHEET.format(data))
        for name, text in (extra or {}).items():
            target.writestr(name, text)
    return file


def with_strings(path: Path, rows: str, strings: str) -> Path:
    """A workbook that keeps its strings apart, as Excel does."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return with_sheet(
        path,
        f"<sheetData>{rows}</sheetData>",
        {
            "xl/sharedStrings.xml": f"<sst>{strings}</sst>",
            "xl/_rels/workbook.xml.rels": "<Relationships>"
            f'<Relationship Type="{kind}/worksheet" Target="/xl/worksheets/sheet1.xml" Id="rId1"/>'
            f'<Relationship Type="{kind}/sharedStrings" Target="sharedStrings.xml" Id="rId2"/>'
            "</Relationships>",
        },
    )


def ods(path: Path, tables: str, styles: str = "") -> Path:
    file = path / "made.ods"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        target.writestr(
            "content.xml",
            '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s">'
            f"<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return file


def test_values_become_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Sheet)
    sheet.append(["text", "zip", "whole", "part", "date", "moment", "flag", "error", "share"])
    moment = datetime.datetime(2024, 2, 29, 13, 5)  # noqa: DTZ001
    sheet.append(["é <&> 🙂", "01234", 447123456789, 12.3, datetime.date(2024, 2, 29), moment, True, "#N/A", 0.25])
    sheet["I2"].number_format = "0.00%"
    _, rows = read(saved(book, tmp_path))
    assert rows[0].cells == (
        *("é <&> 🙂", "01234", "447123456789", "12.3"),
        *("2024-02-29", "2024-02-29T13:05:00", "TRUE", "", "0.25"),
    )
    assert rows[0].warning == "Column H holds the error #N/A and is read as empty."


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        *(("007", "007"), ("5.0", "5"), ("1E3", "1000"), ("4.4712345678E11", "447123456780"), ("0.1", "0.1")),
        *(("1E-05", "0.00001"), ("1e300", "1e+300"), ("nan", "nan"), ("-2.50", "-2.5"), ("odd", "odd")),
    ],
)
def test_numbers(raw: str, text: str) -> None:
    assert number_text(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        *(("1", "1900-01-01"), ("59", "1900-02-28"), ("61", "1900-03-01"), ("0.5", "12:00:00"), ("-1", "-1")),
        *(("99999999", "99999999"), ("45351.5", "2024-02-29T12:00:00"), ("x", "x")),
    ],
)
def test_dates(raw: str, text: str) -> None:
    assert date_text(raw, datetime.datetime(1899, 12, 30)) == text  # noqa: DTZ001


def test_hidden_parts_are_left_out_and_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    secret, sheet = book.active, book.create_sheet("People")
    assert isinstance(secret, Sheet)
    secret.append(["hidden sheet"])
    secret.sheet_state = "hidden"
    for line in (["a", "b", "c"], [1, 2, 3], [4, 5, 6], [7, 8, 9]):
        sheet.append(line)
    sheet.column_dimensions["B"].hidden = True
    sheet.row_dimensions[3].hidden = True
    found, rows = read(saved(book, tmp_path))
    assert (found.sheets, found.headers) == (("People",), ("a", "c"))
    assert [(row.number, row.cells) for row in rows] == [(2, ("1", "3")), (4, ("7", "9"))]
    assert "left out: 1 hidden row and 1 hidden column." in found.warnings[0]


def test_merged_cells_formulas_and_gaps(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Sheet)
    for place, value in {"B3": "x", "C3": "y", "B5": "wide", "B9": "=1+1", "C9": "z"}.items():
        sheet[place] = value
    sheet.merge_cells("B5:C5")
    found, rows = read(saved(book, tmp_path))
    assert (found.headers, found.format.header_row) == (("Column A", "x", "y"), 3)
    assert [(row.number, row.cells) for row in rows] == [(5, ("", "wide", "")), (9, ("", "", "z"))]
    assert rows[1].warning == "Column B holds a formula without a saved result and is read as empty."


def test_inline_strings_rich_text_and_escapes(tmp_path: Path) -> None:
    data = (
        '<sheetData><row><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t>c'
        '</t></r><rPh><t>no</t></rPh></is></c></row><row r="7"><c t="str"><f>X()</f><v>one_x000D_'
        'two_x0000_</v></c><c r="B7" t="s"><v>99</v></c></row></sheetData>'
    )
    found, rows = read(with_sheet(tmp_path, data))
    assert found.headers == ("a", "bc")
    assert rows[0].cells == ("one\rtwo_x0000_", "")
    assert rows[0].problem == "Column B refers to a text the spreadsheet does not hold."


def test_shared_strings(tmp_path: Path) -> None:
    row = '<row><c t="s"><v>{}</v></c><c t="s"><v>{}</v></c><c t="s"><v>{}</v></c></row>'
    strings = (
        "<si><t>name</t></si><si><t> René </t></si><si><r><t>one_x000A_</t></r><r><t>two</t></r>"
        "<rPh><t>no</t></rPh></si><si/>"
    )
    found, rows = read(with_strings(tmp_path, row.format(0, 2, 1) + row.format(1, 3, 2), strings))
    assert found.headers == ("name", "one\ntwo", "René")
    assert rows[0].cells == (" René ", "", "one\ntwo")


def test_another_sheet_can_be_chosen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Second").append(["x"])
    file = saved(book, tmp_path)
    assert inspect(file, "b.xlsx", sheet="Second").headers == ("x",)
    with pytest.raises(UnreadableFile, match="no sheet “Third”"):
        inspect(file, "b.xlsx", sheet="Third")
    with pytest.raises(UnreadableFile, match="is empty"):
        inspect(file, "b.xlsx")


def test_reading_a_workbook_goes_on_where_it_stopped(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(3_000):
        sheet.append([f"text {number}", number])
    file = saved(book, tmp_path)
    found, rows = read(file)
    assert (found.rows, len(rows)) == (2_999, 2_999)
    assert list(read_rows(file, found.format, start=2_990)) == rows[2_990:]


def test_a_small_file_with_a_huge_sheet(tmp_path: Path) -> None:
    """It is left where the limit is: what is broken behind that is never read."""
    rows = "".join(f'<row r="{number}"><c><v>1</v></c></row>' for number in range(1, 400_002))
    file = with_sheet(tmp_path, f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}<broken')
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="more than 1,000 rows"):
        read(file, Limits(max_rows=1_000))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert inspect(file, "x.xlsx").rows is None


def test_a_cell_at_the_far_end(tmp_path: Path) -> None:
    data = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    _, rows = read(with_sheet(tmp_path, f"<sheetData>{data}</sheetData>"))
    assert [(row.number, row.problem) for row in rows] == [
        (1048576, "Column XFD is filled; a table may have 500 columns at most.")
    ]


def test_bombs_are_refused_by_their_directory(tmp_path: Path) -> None:
    file = with_sheet(tmp_path, "<sheetData/>", {"xl/media/zeros.bin": "0" * 100_000_000})
    with pytest.raises(UnreadableFile, match="unpacks to"):
        inspect(file, "bomb.xlsx")
    with pytest.raises(UnreadableFile, match="parts"):
        inspect(file, "bomb.xlsx", limits=Limits(max_entries=3))


@pytest.mark.parametrize("place", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_no_document_type_is_allowed(tmp_path: Path, place: str) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    plain = with_strings(tmp_path, '<row><c t="s"><v>0</v></c></row>', "<si><t>text</t></si>")
    file = tmp_path / "laughs.xlsx"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, laughs if name == place else source.read(name))
    with pytest.raises(UnreadableFile, match="document type"):
        inspect(file, "laughs.xlsx")


def test_a_piece_without_end_stays_small(tmp_path: Path) -> None:
    file = with_sheet(tmp_path, f'<sheetData><row><c t="{"x" * 30_000_000}"/></row></sheetData>')
    with pytest.raises(UnreadableFile, match="does not end"):
        inspect(file, "x.xlsx")


def test_a_cell_too_long(tmp_path: Path) -> None:
    long = "y" * 20_000_000
    cell = f'<c t="inlineStr"><is><t>{long}</t></is></c>'
    file = with_sheet(tmp_path, f"<sheetData><row><c><v>1</v></c></row><row>{cell}</row></sheetData>")
    assert read(file)[1][0].problem == "Column A is longer than 100,000 characters."


@pytest.mark.parametrize("cut", [30, 2_000, 4_000])
def test_damaged_workbooks(tmp_path: Path, cut: int) -> None:
    file = saved(openpyxl.Workbook(), tmp_path)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(UnreadableFile, match="damaged"):
        inspect(file, "x.xlsx")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["a.csv"], "ZIP archive"),
        (["[Content_Types].xml", "word/document.xml"], "Word"),
        (["xl/workbook.bin"], "xlsb"),
    ],
)
def test_other_archives(tmp_path: Path, names: list[str], what: str) -> None:
    file = tmp_path / "x.xlsx"
    with zipfile.ZipFile(file, "w") as target:
        for name in names:
            target.writestr(name, "x")
    with pytest.raises(UnreadableFile, match=what):
        inspect(file, "x.xlsx")


@pytest.mark.parametrize(("stream", "what"), [("EncryptedPackage", "password"), ("WordDocument", "Word")])
def test_other_office_files(tmp_path: Path, stream: str, what: str) -> None:
    file = tmp_path / "x.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + stream.encode("utf-16-le") + bytes(500))
    with pytest.raises(UnreadableFile, match=what):
        inspect(file, "x.xlsx")


def test_a_broken_old_workbook(tmp_path: Path) -> None:
    file = tmp_path / "x.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "Workbook".encode("utf-16-le") + bytes(500))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        inspect(file, "x.xls")


def test_open_document(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="{0}" office:{1}="{2}"/>'
    values = (
        cell.format("float", "value", "5.0")
        + cell.format("date", "date-value", "2024-02-29T00:00:00")
        + cell.format("time", "time-value", "PT13H05M00S")
        + cell.format("boolean", "boolean-value", "true")
        + "<table:table-cell><office:annotation><text:p>no</text:p></office:annotation>"
        '<text:p>a<text:s text:c="2"/>b</text:p><text:p>c</text:p></table:table-cell>'
    )
    head = "".join(f"<table:table-cell><text:p>h{number}</text:p></table:table-cell>" for number in range(5))
    table = (
        '<table:table table:name="old" table:style-name="off"/><table:table table:name="now">'
        f"<table:table-row>{head}</table:table-row>"
        '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
        f'<table:table-row table:number-rows-repeated="2">{values}</table:table-row>'
        f'<table:table-row table:visibility="filter">{values}</table:table-row></table:table>'
    )
    styles = '<style:style style:name="off"><style:table-properties table:display="false"/></style:style>'
    found, rows = read(ods(tmp_path, table, styles))
    assert found.sheets == ("now",)
    assert [row.number for row in rows] == [5, 6]
    assert rows[0].cells == ("5", "2024-02-29", "13:05:00", "TRUE", "a  b\nc")
    assert "1 hidden row" in found.warnings[0]


def test_open_document_rows_without_end(tmp_path: Path) -> None:
    cell = '<table:table-cell table:number-columns-repeated="3"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="999999999">{cell}</table:table-row>'
    table = f'<table:table table:name="a">{row}</table:table>'
    file = ods(tmp_path, table)
    assert inspect(file, "x.ods").rows is None
    with pytest.raises(UnreadableFile, match="more than 5,000 rows"):
        read(file, Limits(max_rows=5_000))
