"""Text tables of every shape: nothing lost, nothing half-done, every refusal with its row."""

import csv
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.transfer.reading import Inspection, Limits, Row, TableFormat, UnreadableFile, inspect, read_rows

Read = tuple[Inspection, list[Row]]


def read(path: Path, content: bytes, name: str = "people.csv", limits: Limits | None = None) -> Read:
    file = path / "upload"
    file.write_bytes(content)
    limits = limits or Limits()
    found = inspect(file, name, limits=limits)
    return found, list(read_rows(file, found.format, limits=limits))


def cells(rows: list[Row]) -> list[tuple[str, ...]]:
    return [row.cells for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    found, rows = read(tmp_path, f'name{delimiter}note\nAnn{delimiter}"a,b;c\td|e"\n'.encode())
    assert found.format.delimiter == delimiter
    assert cells(rows) == [("Ann", "a,b;c\td|e")]


def test_decimal_commas_do_not_mislead(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"name;amount\nAnn;1,5\nBob;2,5\n")
    assert found.format.delimiter == ";"
    assert cells(rows) == [("Ann", "1,5"), ("Bob", "2,5")]


def test_the_line_excel_writes_for_itself(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"sep=;\r\nname;city\r\nAnn;Rome\r\n")
    assert (found.headers, found.format.header_row) == (("name", "city"), 2)
    assert [(row.number, row.cells) for row in rows] == [(3, ("Ann", "Rome"))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end(tmp_path: Path, end: str) -> None:
    text = end.join(["name,note", 'Ann,"two' + end + 'lines"', "Bob,x", ""])
    assert cells(read(tmp_path, text.encode())[1]) == [("Ann", f"two{end}lines"), ("Bob", "x")]


def test_mixed_line_ends(tmp_path: Path) -> None:
    assert cells(read(tmp_path, b"a,b\r\n1,2\r3,4\n5,6")[1]) == [("1", "2"), ("3", "4"), ("5", "6")]


@pytest.mark.parametrize(
    ("encoding", "text", "found_as"),
    [
        ("utf-8", "name,city\nRené,東京\n", "utf-8"),
        ("utf-8-sig", "name,city\nRené,東京\n", "utf-8-sig"),
        ("utf-16", "name,city\nRené,東京\n", "utf-16"),
        ("utf-16-le", "name,city\nRené,Köln\n", "utf-16-le"),
        ("utf-16-be", "name,city\nRené,Köln\n", "utf-16-be"),
        ("utf-32", "name,city\nRené,東京\n", "utf-32"),
        ("cp1252", "name,city\nRené,“Köln” – €\n", "cp1252"),
        ("cp1250", "name,city\nŽaneta Šťastná,Plzeň\nJiří,Třebíč\n", "cp1250"),
        ("cp1254", "name,city\nIşık Güneş,Muğla\nAyşe,İzmir\n", "cp1254"),
        ("cp1251", "имя,город\nИван Петров,Москва\nПётр,Казань\n" * 3, "cp1251"),
        ("cp932", "名前,都市\n田中太郎,東京都\n山田花子,大阪府\n" * 3, "cp932"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, text: str, found_as: str) -> None:
    found, rows = read(tmp_path, text.encode(encoding))
    assert found.format.encoding == found_as
    assert [list(found.headers), *map(list, cells(rows))] == list(csv.reader(text.splitlines()))


def test_utf16_with_a_big_endian_mark(tmp_path: Path) -> None:
    content = b"\xfe\xff" + "name,city\nRené,東京\n".encode("utf-16-be")
    assert cells(read(tmp_path, content)[1]) == [("René", "東京")]


def test_a_late_accent_decides_the_encoding_of_the_whole_file(tmp_path: Path) -> None:
    content = b"name,city\n" + b"Ann,Rome\n" * 200_000 + "René,Köln\n".encode("cp1252")
    found, rows = read(tmp_path, content)
    assert found.format.encoding == "cp1252"
    assert rows[-1].cells == ("René", "Köln")


def test_a_few_bad_bytes_cost_their_rows_only(tmp_path: Path) -> None:
    content = b"name,city\n" + "René,Köln\n".encode() * 50 + b"Ann,R\xffme\n" + "Zoë,Köln\n".encode()
    found, rows = read(tmp_path, content)
    assert found.format.encoding == "utf-8"
    assert [(row.number, row.problem) for row in rows if row.problem] == [
        (52, "Column B contains bytes that do not fit the encoding of the file.")
    ]
    assert rows[-1].cells == ("Zoë", "Köln")


def test_an_encoding_chosen_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes("name\nRené\n".encode("mac-roman"))
    assert inspect(file, "x.csv", encoding="mac-roman").sample[0].cells == ("René",)
    for name in ("rot13", "utf-7", "no such", "zlib", "a\0b"):
        with pytest.raises(UnreadableFile):
            inspect(file, "x.csv", encoding=name)


def test_a_nul_costs_its_row_only(tmp_path: Path) -> None:
    _, rows = read(tmp_path, b"a,b\n1,2\n3,x\0y\n5,6\n")
    assert cells([rows[0], rows[2]]) == [("1", "2"), ("5", "6")]
    assert (rows[1].number, rows[1].problem) == (
        3,
        "Column B contains a NUL byte (character code 0). Remove it.",
    )


def test_short_rows_are_filled_long_ones_refused(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"a,b,c\n1\n1,2,3,,\n1,2,3,4\n\n,,\n7,8,9\n")
    assert cells(rows) == [("1", "", ""), ("1", "2", "3"), ("1", "2", "3", "4"), ("7", "8", "9")]
    assert [row.number for row in rows] == [2, 3, 4, 7]
    assert [row.problem for row in rows if row.problem] == [
        "The row has more cells than the header: column D has no heading."
    ]
    assert "1 row is longer than the header." in found.warnings


def test_a_last_row_that_was_cut_off_is_pointed_out(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"a,b,c\n1,2,3\n4,5")
    assert rows[-1].problem is None
    assert rows[-1].warning == "The last row of the file ends in column B: it may have been cut off."
    assert found.warnings == (f"Row 3: {rows[-1].warning}",)
    assert read(tmp_path, b"a,b,c\n1,2,3\n4,5,6")[1][-1].warning is None


def test_headers(tmp_path: Path) -> None:
    found, _ = read(tmp_path, b"\n\n Email ,email,,Name,Email (2),\nx,x,x,x,x,\n")
    assert found.headers == ("Email", "email (3)", "Column C", "Name", "Email (2)")
    assert found.format.header_row == 3


def test_a_header_alone(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"a,b\n")
    assert (found.rows, rows) == (0, [])
    assert found.warnings == ("The file has a header but no rows.",)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b",,,\n,,\n"])
def test_empty_files(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        read(tmp_path, content)


def test_a_quotation_mark_never_closed(tmp_path: Path) -> None:
    _, rows = read(tmp_path, b'a,b\n1,2\n3,"open\n5,6\n7,8\n')
    assert cells([row for row in rows if not row.problem]) == [("1", "2"), ("5", "6"), ("7", "8")]
    assert (rows[1].number, rows[1].problem) == (3, "A quotation mark opened in column B is never closed.")


def test_a_file_cut_off_inside_a_quoted_cell(tmp_path: Path) -> None:
    _, rows = read(tmp_path, b'a,b\n1,2\n3,"a long\ntext that\nwas cut')
    assert len(rows) == 2
    assert rows[1].cells == ("3", "a long\ntext that\nwas cut")
    assert "cut off" in (rows[1].problem or "")


def test_a_quotation_mark_never_closed_in_a_large_file(tmp_path: Path) -> None:
    content = b'a,b\n3,"open\n' + b"5,6\n" * 300_000
    _, rows = read(tmp_path, content)
    assert len(rows) == 300_001
    assert [row.number for row in rows if row.problem] == [2]


def test_hostile_quotation_marks_end_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="quotation marks") as caught:
        read(tmp_path, b"a,b\n" + b'a","\n' * 100_000, limits=Limits(max_record=10_000))
    assert caught.value.row


def test_long_cells_and_lines_cost_their_row_only(tmp_path: Path) -> None:
    for big in (
        b"x" * 150_000,
        b'"' + b"x" * 150_000 + b'"',
        b"x" * 5_000_000,
        b'"' + b"x" * 5_000_000 + b'"',
    ):
        _, rows = read(tmp_path, b"a,b\n1,2\n" + big + b",z\n5,6\n")
        assert [row.number for row in rows] == [2, 3, 4]
        assert "longer than" in (rows[1].problem or "")
        assert rows[2].cells == ("5", "6")


def test_one_endless_line_stays_small(tmp_path: Path) -> None:
    tracemalloc.start()
    with pytest.raises(UnreadableFile):
        read(tmp_path, b"a," * 20_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000 + 120_000_000  # the content of the test itself, and one record


def test_too_many_rows_says_how_to_split(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="Split it") as caught:
        read(tmp_path, b"a\n" + b"1\n" * 11, limits=Limits(max_rows=10))
    assert caught.value.row == 12
    assert len(read(tmp_path, b"a\n" + b"1\n" * 10, limits=Limits(max_rows=10))[1]) == 10


def test_too_many_columns_and_too_large(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="501 columns"):
        read(tmp_path, ",".join(f"c{number}" for number in range(501)).encode())
    with pytest.raises(UnreadableFile, match="larger than"):
        read(tmp_path, b"a" * 100, limits=Limits(max_bytes=10))


@pytest.mark.parametrize("start", [0, 1, 3, 9, 50])
def test_reading_goes_on_where_it_stopped(tmp_path: Path, start: int) -> None:
    _, rows = read(tmp_path, b'a,b\n\n1,2\n3,x\0\n\n5,6,7\n"8\n9",1\n2,3\n')
    fmt = inspect(tmp_path / "upload", "x.csv").format
    again = TableFormat.from_dict(json.loads(json.dumps(fmt.to_dict())))
    assert list(read_rows(tmp_path / "upload", again, start=start)) == rows[start:]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + bytes(40), "Windows program"),
        (b"\x7fELF\x02\x01\x01", "Linux program"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"  <html><table>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'[{"a": 1}]', "JSON"),
        (b'{"a": 1}', "JSON"),
        (b"PK\x03\x04 not really", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office"),
        (bytes(range(256)) * 4, "not a text file"),
        (bytes(5000), "not a text file"),
    ],
)
def test_other_files_are_called_by_their_name(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(UnreadableFile, match=what):
        read(tmp_path, content)


def test_tables_that_begin_like_other_files(tmp_path: Path) -> None:
    for start in (b"BM", b"MZ", b"ID3", b"PAR1"):
        assert read(tmp_path, start + b",b\n1,2\n")[1][0].cells == ("1", "2")


def test_memory_is_flat(tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    with file.open("w") as out:
        out.write(",".join(f"h{number}" for number in range(12)) + "\n")
        out.writelines(f"{number}" + ",some text" * 11 + "\n" for number in range(200_000))
    found = inspect(file, "many.csv")
    tracemalloc.start()
    assert sum(1 for _ in read_rows(file, found.format)) == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


CELL = st.text(
    alphabet=st.one_of(st.sampled_from("a,;|\t\"'\r\n é"), st.characters(exclude_categories=["Cs", "Cc"])),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL).filter(any), max_size=8))
def test_whatever_is_written_is_read(tmp_path: Path, table: list[tuple[str, str, str]]) -> None:
    file = tmp_path / "written.csv"
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.writer(out)
        writer.writerow(["first", "second", "third"])
        writer.writerows(table)
    fmt = inspect(file, "written.csv", delimiter=",").format
    assert cells(list(read_rows(file, fmt))) == table


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='a,"\n\r;\0é', max_size=200).map(str.encode)))
def test_no_bytes_whatever_break_it(tmp_path: Path, content: bytes) -> None:
    try:
        found, rows = read(tmp_path, content, limits=Limits(max_record=100, max_cell=50))
    except UnreadableFile:
        return
    assert all(row.problem or len(row.cells) == len(found.headers) for row in rows)
    assert all("\0" not in cell for row in rows for cell in row.cells)
